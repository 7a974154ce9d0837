package itest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

func set(tb testing.TB, c rueidis.Client, key string, value []byte) {
	tb.Helper()
	command(tb, c, "SET", key, string(value), "PX", "60000")
}

func get(tb testing.TB, c rueidis.Client, key string) []byte {
	tb.Helper()
	b, err := command(tb, c, "GET", key).AsBytes()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestStoreCorrupt: CVE-7, CVE-20, CVE-23, FLT-6. A value that was damaged, cut, swapped with another session's or put there
// by somebody else is no record; the others are still listed, and the damage is counted and logged, without data.
func TestStoreCorrupt(t *testing.T) {
	url, name := redisURL(t), prefix()
	c := client(t, url)
	var log bytes.Buffer
	s := openStore(t, url, rueidisstore.Config{Prefix: name, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	victim, other, fine := session("ann"), session("ann"), session("ann")
	victim.UserAgent, other.Secret = "MARKER-agent", []byte("MARKER-secret")
	create(t, s, victim, other, fine)
	key := recordKey(name, victim.ID)
	whole := get(t, c, key)
	values := map[string][]byte{
		"another session's": get(t, c, recordKey(name, other.ID)),
		"nothing":           {},
		"text":              []byte("garbage that somebody has put here, long enough for a head of a record"),
		"longer":            append(bytes.Clone(whole), 0),
	}
	for i := range whole {
		values[fmt.Sprint("cut at ", i)] = whole[:i]
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1 << (i % 8)
		values[fmt.Sprint("flipped at ", i)] = flipped
	}
	found := s.Corrupt()
	for what, value := range values {
		set(t, c, key, value)
		if r, err := s.Load(t.Context(), victim.ID); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("%q: Load: got %+v, %v; want ErrNotFound", what, r, err)
		}
		if rs := listed(t, s, store.Query{User: "ann", Data: true}); len(rs) != 2 || rs[0].ID == victim.ID {
			t.Fatalf("%q: List: got %d records, want the two others", what, len(rs))
		}
		for _, r := range listed(t, s, store.Query{User: "ann"}) { // which reads the head alone
			if r.ID == victim.ID && (r.UserAgent != victim.UserAgent || r.User != victim.User) {
				t.Fatalf("%q: List: got another session's record %+v", what, r)
			}
		}
	}
	if n := s.Corrupt() - found; n < uint64(len(values)) {
		t.Errorf("Corrupt has grown by %d, want %d or more", n, len(values))
	}
	if text := log.String(); !strings.Contains(text, victim.ID.String()) || strings.Contains(text, "MARKER") {
		t.Errorf("the log should have the id, and no data: %.300s", text)
	}

	set(t, c, key, whole) // Save and Touch do not take it for the record of another id
	set(t, c, recordKey(name, other.ID), whole)
	moved := victim.Clone()
	moved.ID = other.ID
	if err := s.Touch(t.Context(), moved, touch(moved)); err == nil {
		gone(t, s, other.ID)
	}
	if r, err := s.Load(t.Context(), victim.ID); err != nil || r.UserAgent != victim.UserAgent {
		t.Errorf("the value that was put back: got %+v, %v", r, err)
	}
}

// TestStoreWrongType: CVE-23. Keys that hold another type are an outage where the store needs them, and no record where
// one should be; none of it is a panic, or a wrong answer.
func TestStoreWrongType(t *testing.T) {
	url, name := redisURL(t), prefix()
	c, s := client(t, url), openStore(t, url, rueidisstore.Config{Prefix: name})
	r := create(t, s, session("ann"))
	command(t, c, "DEL", recordKey(name, r.ID))
	command(t, c, "LPUSH", recordKey(name, r.ID), "x")
	want := map[string]error{
		"Load": store.ErrNotFound, "Save": store.ErrConflict, "Touch": store.ErrConflict,
	}
	for what, call := range everything(s, r) {
		wantError(t, "a list for a record: "+what, call(t.Context()), want[what])
	}
	wantError(t, "a list for a record: Create", s.Create(t.Context(), r.Clone()), store.ErrExists)
	if len(listed(t, s, store.Query{User: "ann"})) != 1 { // that of Create
		t.Error("the others are not listed")
	}

	for _, key := range []string{indexKey(name, "bob"), cutoffKey(name, "bob")} {
		command(t, c, "LPUSH", key, "x")
	}
	bob := session("bob")
	for _, what := range []string{"Create", "List", "DeleteUser", "Cutoff"} {
		wantError(t, "a list for an index: "+what, everything(s, bob)[what](t.Context()), store.ErrUnavailable)
	}
	wantError(t, "a list for an index: Sweep", everything(s, bob)["Sweep"](t.Context()), nil)
	visitor := create(t, s, session(""))
	visitor.User, visitor.AuthenticatedAt = "bob", visitor.CreatedAt
	wantError(t, "a list for an index: Save that binds", s.Save(t.Context(), visitor), store.ErrUnavailable)
	if got, err := s.Load(t.Context(), visitor.ID); err != nil || got.User != "" || visitor.Version != 1 {
		t.Errorf("a record that could not be indexed has its user: %+v, %v", got, err)
	}
}

// TestStoreUsers: BAD-49. Users are bytes: braces do not move their keys to other slots, and no user reaches another's.
func TestStoreUsers(t *testing.T) {
	cluster := testserver.RedisCluster(t)
	name := prefix()
	c, s := client(t, cluster.DSN), openStore(t, cluster.DSN, rueidisstore.Config{Prefix: name})
	users := []string{"}", "{}", "}{", "{a}", "a", "{", "}:i", "a}:i", "*", "\x00", "\xff\xfe", "Ann", "ann", "ann ", strings.Repeat("}", store.MaxUser)}
	of := map[string]store.ID{}
	for _, user := range users {
		of[user] = create(t, s, session(user)).ID
		slot := func(key string) int64 {
			n, err := command(t, c, "CLUSTER", "KEYSLOT", key).AsInt64()
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n, err := command(t, c, "EXISTS", indexKey(name, user)).AsInt64(); n != 1 || err != nil {
			t.Errorf("user %q: the index is not at its key", user)
		}
		if slot(indexKey(name, user)) != slot(cutoffKey(name, user)) {
			t.Errorf("the keys of user %q are in two slots", user)
		}
	}
	for _, user := range users {
		if rs := listed(t, s, store.Query{User: user}); len(rs) != 1 || rs[0].ID != of[user] || rs[0].User != user {
			t.Errorf("user %q: %d sessions are listed", user, len(rs))
		}
		if ids := deleteUser(t, s, user); len(ids) != 1 || ids[0] != of[user] {
			t.Errorf("user %q: DeleteUser names %v, want %v", user, ids, of[user])
		}
	}
	_, err := s.DeleteUser(t.Context(), strings.Repeat("x", store.MaxUser+1), time.Now())
	wantError(t, "DeleteUser of a user who is too long", err, store.ErrTooLarge)
}

// TestStoreTTL: a server keeps a record for a minute after its end, whatever that is, and nothing for ever.
func TestStoreTTL(t *testing.T) {
	url, name := redisURL(t), prefix()
	c, s := client(t, url), openStore(t, url, rueidisstore.Config{Prefix: name})
	between := func(what, key string, least, most time.Duration) {
		t.Helper()
		ms, err := command(t, c, "PTTL", key).AsInt64()
		if d := time.Duration(ms) * time.Millisecond; err != nil || d < least || d > most {
			t.Errorf("%s: lives for %v, %v; want %v to %v", what, d, err, least, most)
		}
	}
	const slack, year = time.Minute, 365 * 24 * time.Hour
	for _, d := range []time.Duration{-100 * year, -time.Hour, 0, time.Hour, year, 290 * year} {
		r := session("ann")
		r.ExpiresAt = time.Now().Add(d).UTC().Truncate(time.Microsecond)
		create(t, s, r)
		least, most := max(d, 0)+time.Minute-slack/2, max(d, 0)+time.Minute
		if d > 100*year {
			least, most = 99*year, 100*year+time.Minute
		}
		between("record", recordKey(name, r.ID), least, most)
		if _, err := s.Load(t.Context(), r.ID); err != nil {
			t.Errorf("Load of a record that ends in %v: %v", d, err)
		}
		between("index", indexKey(name, "ann"), 2*least, 2*most+time.Hour)
		if err := s.Delete(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		between("note", recordKey(name, r.ID), min(least, 23*time.Hour), 24*time.Hour)
	}
	r := session("bob")
	r.ExpiresAt = r.ExpiresAt.Add(10 * time.Hour)
	create(t, s, r)
	r.ExpiresAt = r.CreatedAt.Add(time.Minute)
	if err := s.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	between("record that a Save shortened", recordKey(name, r.ID), time.Minute, 2*time.Minute)
	between("its index", indexKey(name, "bob"), 22*time.Hour, 24*time.Hour)
	if err := s.Touch(t.Context(), r, store.Touch{LastSeen: r.LastSeen.Add(1000), ExpiresAt: r.CreatedAt.Add(48 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	between("record that a Touch extended", recordKey(name, r.ID), 48*time.Hour, 49*time.Hour)
	between("its index", indexKey(name, "bob"), 96*time.Hour, 98*time.Hour)
	deleteUser(t, s, "bob")
	between("cut-off", cutoffKey(name, "bob"), 24*time.Hour, 26*time.Hour)
}

// TestTouchKeepsData: a Touch sends neither Secret nor Data, so a copy without them, as List gives it, does no harm.
func TestTouchKeepsData(t *testing.T) {
	s := openStore(t, redisURL(t), rueidisstore.Config{})
	r := create(t, s, session("ann"))
	poor := listed(t, s, store.Query{User: "ann"})[0]
	if err := s.Touch(t.Context(), poor, touch(poor)); err != nil {
		t.Fatal(err)
	}
	got, err := s.Load(t.Context(), r.ID)
	if err != nil || !bytes.Equal(got.Data, r.Data) || !bytes.Equal(got.Secret, r.Secret) || !got.LastSeen.After(r.LastSeen) {
		t.Errorf("got %+v, %v; want the Data and Secret of before", got, err)
	}
	stranger := got.Clone()
	stranger.User = "bob"
	wantError(t, "Touch of a copy with another user", s.Touch(t.Context(), stranger, touch(stranger)), store.ErrConflict)
}

// TestStoreWithoutIndexAll: all of the contract but what needs to see anonymous sessions.
func TestStoreWithoutIndexAll(t *testing.T) {
	s := openStore(t, redisURL(t), rueidisstore.Config{})
	for _, q := range []store.Query{{}, {Kind: store.Users}, {Live: time.Now()}} {
		var got []error
		for _, err := range s.List(t.Context(), q) {
			got = append(got, err)
		}
		if len(got) != 1 || !errors.Is(got[0], errors.ErrUnsupported) {
			t.Errorf("List %+v: got %v, want errors.ErrUnsupported once", q, got)
		}
	}

	conf := suite(redisURL(t))
	conf.Rounds = 5
	conf.Open = func(ctx context.Context) (storetest.Fixture, error) {
		s, err := rueidisstore.Open(ctx, redisURL(t), rueidisstore.Config{Prefix: prefix(), Timeout: busy})
		if err != nil {
			return storetest.Fixture{}, err
		}
		return storetest.Fixture{Store: s, Close: s.Close}, nil
	}
	var failed []string
	for _, v := range violations(storetest.Check(t.Context(), conf)) {
		area, _, _ := strings.Cut(v.Case.Name, "/")
		if strings.Contains(v.Err.Error(), errors.ErrUnsupported.Error()) || area == "sweep" || v.Case.Name == "race/sweep-sweep" {
			failed = append(failed, v.Case.Name)
			continue
		}
		t.Error(v)
	}
	if len(failed) == 0 {
		t.Error("List answers queries that it has no index for")
	}
	slices.Sort(failed)
	t.Logf("cases that list all sessions, or sweep anonymous ones: %q", failed)
}

func violations(err error) (all []*storetest.Violation) {
	if v, ok := errors.AsType[*storetest.Violation](err); ok && err == error(v) {
		return []*storetest.Violation{v}
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range j.Unwrap() {
			all = append(all, violations(e)...)
		}
	}
	return all
}
