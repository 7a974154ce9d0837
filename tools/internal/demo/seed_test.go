package demo

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/enrich/useragent"
	"github.com/qsessions/qsessions/tools/internal/stores"
	"github.com/qsessions/qsessions/tools/internal/stores/storestest"
)

// TestSeed fills each kind of database once: to the number, and not beyond it.
func TestSeed(t *testing.T) {
	t.Parallel()
	storestest.EachFront(t, func(t *testing.T, address, cache string) {
		site := start(t, NetHTTP, address, cache)
		for _, test := range []struct{ n, made, rows int }{{0, 0, 0}, {40, 40, 40}, {40, 0, 40}, {25, 0, 40}, {60, 20, 60}} {
			last := -1
			made, err := Seed(t.Context(), site.front, test.n, func(there int) { last = max(last, there) })
			if err != nil || made != test.made || site.rows(t) != test.rows || made > 0 && last != test.n {
				t.Errorf("Seed(%d): made %d, %v, told %d, and there are %d; want %d of %d", test.n, made, err, last, site.rows(t), test.made, test.rows)
			}
		}
		if _, err := site.store.Sweep(t.Context(), time.Now().Add(365*day), 1000); err != nil {
			t.Fatal(err)
		}
		one := site.browser(t, "one")
		one.signIn(t, "alice")
		if made, err := Seed(t.Context(), site.front, 30, func(int) {}); err != nil || made != 29 {
			t.Errorf("beside one that is real: made %d, %v", made, err)
		}
		if got := one.rows(t); len(got) != 1 {
			t.Errorf("alice has %+v, want her own alone", got)
		}
	})
}

// TestSeedIsTheSame: but for the time, the same number makes the same sessions.
func TestSeedIsTheSame(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var all [2][]*store.Record
	for i := range all {
		all[i] = seeded(t, new(memory.Store), 300, now)
	}
	key := func(r *store.Record) string { return r.User + " " + r.IP.String() + " " + r.UserAgent }
	for _, records := range all {
		slices.SortStableFunc(records, func(a, b *store.Record) int { return cmp.Compare(key(a), key(b)) })
	}
	for i, a := range all[0] {
		if b := all[1][i]; key(a) != key(b) || string(a.Data) != string(b.Data) || !a.LastSeen.Equal(b.LastSeen) {
			t.Errorf("got %+v and %+v", a, b)
		}
		if i > 0 && a.ID == all[0][i-1].ID || a.ID == all[1][i].ID || string(a.Secret) == string(all[1][i].Secret) {
			t.Errorf("the ID or the secret of %v is there twice", a.ID)
		}
	}
}

// TestSeeded looks at the made-up sessions as a session manager does: each can be read, used and ended, and there is some
// of everything that the pages show.
func TestSeeded(t *testing.T) {
	t.Parallel()
	s := new(memory.Store)
	now := time.Now()
	records := seeded(t, s, 300, now)
	browsers, err := useragent.New(useragent.Config{})
	if err != nil {
		t.Fatal(err)
	}
	// The race detector makes expressions slow.
	sessions, err := session.New(s, session.Config{Enrichers: []session.Enricher{browsers, examples(t)}, EnrichTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	add := func(what string, is bool) {
		if is {
			count[what]++
		}
	}
	users, countries, networks := map[string]int{}, map[string]int{}, map[string]bool{}
	for _, r := range records {
		add("anonymous", r.User == "")
		add("of the last day", r.CreatedAt.After(now.Add(-day)))
		add("older than three days", r.CreatedAt.Before(now.Add(-3*day)))
		add("seen in the last half hour", r.LastSeen.After(now.Add(-30*time.Minute)))
		if r.User != "" {
			users[r.User]++
		}
		if r.CreatedAt.After(r.LastSeen) || r.LastSeen.After(now) || !r.ExpiresAt.After(r.CreatedAt) || (r.User == "") != r.AuthenticatedAt.IsZero() ||
			r.User != "" && (r.AuthenticatedAt.Before(r.CreatedAt) || r.AuthenticatedAt.After(r.LastSeen)) {
			t.Errorf("the times of %+v are in disorder", r)
		}
		if oldest, newest := store.NewID(r.CreatedAt), store.NewID(r.CreatedAt.Add(time.Millisecond)); string(r.ID[:6]) < string(oldest[:6]) || string(r.ID[:6]) > string(newest[:6]) {
			t.Errorf("%v is not of %v: the list would not be in order", r.ID, r.CreatedAt)
		}
		networks[r.IP.String()] = true
	}
	live := func() (n int) {
		now := time.Now()
		for _, r := range records {
			if r.Live(now) {
				n++
			}
		}
		return n
	}
	before := live()
	for info, err := range sessions.Find(t.Context(), session.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		countries[info.Location.CountryCode]++
		add("live", true)
		add("without a device", info.Device == session.Device{})
		add(string(info.Device.Kind), true)
		add("with a model by its hint", info.Hints.Model != "" && info.Device.Model != "")
		add("remembered", info.ExpiresAt.Sub(info.LastSeen) > 8*day)
		if info.Device.Kind == session.KindBot && info.User != "" {
			t.Errorf("%s is a bot", info.User)
		}
	}
	t.Log(count, countries, len(users), len(networks))
	for what, bounds := range map[string][2]int{
		"live": {max(200, live()), min(270, before)}, "anonymous": {45, 75}, "of the last day": {80, 250},
		"older than three days": {20, 150}, "seen in the last half hour": {40, 150}, "remembered": {100, 200}, "without a device": {0, 0},
		"mobile": {60, 200}, "desktop": {60, 200}, "tablet": {3, 50}, "tv": {1, 20}, "bot": {1, 20}, "with a model by its hint": {20, 100},
	} {
		if n := count[what]; n < bounds[0] || n > bounds[1] {
			t.Errorf("%d are %s, want %d to %d", n, what, bounds[0], bounds[1])
		}
	}
	if len(users) < 40 || len(users) > 100 || len(countries) < 15 || countries[""] == 0 || countries["DE"] < countries["KE"] || len(networks) < 150 {
		t.Errorf("got %d users, %d addresses and countries %v", len(users), len(networks), countries)
	}
	for _, user := range Users {
		if users[user] < 2 {
			t.Errorf("%s has %d sessions", user, users[user])
		}
	}
	carts := 0
	for _, r := range records {
		info, values, err := sessions.Values(t.Context(), r.ID)
		if err != nil || info.Deadline.Before(r.ExpiresAt) || info.Deadline.Sub(r.CreatedAt) > 30*day+time.Hour || info.Remembered && r.User == "" {
			t.Fatalf("Values: %+v, %v; it ends at %v", info, err, r.ExpiresAt)
		}
		if values[string(visits)] == nil {
			t.Fatalf("got values %q", values)
		}
		if values[string(cart)] != nil {
			carts++
		}
	}
	if carts < 50 || carts > 250 {
		t.Errorf("%d have a cart", carts)
	}
	if n, err := sessions.RevokeUser(t.Context(), "alice"); err != nil || n == 0 {
		t.Errorf("RevokeUser: %d, %v", n, err)
	}
}

// TestSeededOpensNothing: a made-up session is a whole one, and has no token: not the one that the manager gave out when it was
// made, and not that with the session's ID.
func TestSeededOpensNothing(t *testing.T) {
	t.Parallel()
	m, err := newMaker()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	v := visit{user: "ida.kim", remember: true, began: now.Add(-2 * day), login: now.Add(-2 * day), seen: now.Add(-day), cart: []Item{{"plum", 3}}}
	r, effect, err := m.record(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	s := new(memory.Store)
	if err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(s, session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	info, values, err := sessions.Values(t.Context(), r.ID)
	if err != nil || info.User != v.user || !info.Remembered || !info.Deadline.Equal(micros(v.login).Add(30*day)) || len(values[string(cart)]) == 0 {
		t.Errorf("got %+v with %q, %v", info, values, err)
	}
	given, _, _ := strings.Cut(effect.Value, ";")
	name, text, _ := strings.Cut(given, "=")
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < 16 {
		t.Fatalf("got %v of %q", err, effect.Name)
	}
	for _, token := range []string{given, name + "=" + base64.RawURLEncoding.EncodeToString(slices.Concat(r.ID[:], b[16:]))} {
		ctx, _ := sessions.Start(t.Context(), session.Client{}, token)
		got, err := sessions.From(ctx)
		if err != nil || got.User() != "" {
			t.Errorf("a token opens a session of %q, %v", got.User(), err)
		}
		sessions.Close(ctx)
	}
}

// TestSeedFails wants the first error, and what was made.
func TestSeedFails(t *testing.T) {
	t.Parallel()
	s := &fullStore{Store: new(memory.Store)}
	if made, err := Seed(t.Context(), s, 50, func(int) {}); !errors.Is(err, store.ErrTooLarge) || made != 0 {
		t.Errorf("got %d, %v", made, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if made, err := Seed(ctx, new(memory.Store), 50, func(int) {}); !errors.Is(err, context.Canceled) || made != 0 {
		t.Errorf("got %d, %v", made, err)
	}
}

type fullStore struct{ *memory.Store }

func (fullStore) Create(context.Context, *store.Record) error { return store.ErrTooLarge }

// seeded seeds an empty store, and returns all records complete.
func seeded(t *testing.T, s store.Indexed, n int, now time.Time) []*store.Record {
	t.Helper()
	if made, err := seed(t.Context(), s, n, now, func(int) {}); err != nil || made != n {
		t.Fatalf("made %d, %v", made, err)
	}
	var all []*store.Record
	for r, err := range s.List(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r, err = s.Load(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// TestNames: no two people are one.
func TestNames(t *testing.T) {
	t.Parallel()
	known := map[string]int{}
	for n := range 10_000 {
		if other, found := known[name(n)]; found {
			t.Fatalf("%d and %d are %s", n, other, name(n))
		}
		known[name(n)] = n
	}
}

func BenchmarkSeed(b *testing.B) {
	for b.Loop() {
		s, err := stores.Open(b.Context(), storestest.SQLite(b), sqlxstore.Config{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Migrate(b.Context()); err != nil {
			b.Fatal(err)
		}
		if _, err := Seed(b.Context(), s, 300, func(int) {}); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
