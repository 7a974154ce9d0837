package session

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// forms returns what a token could look like where it must not be: itself, and its secret half as bytes and as text.
func forms(token string) []string {
	n, _ := parseToken(token)
	v := append(n.family[:], n.verifier[:]...)
	return []string{
		token, token[22:], token[44:], string(n.family[:]), string(n.verifier[:]), hex.EncodeToString(n.verifier[:]), string(v[:]), hex.EncodeToString(v[:]), strings.ToUpper(hex.EncodeToString(v[:])),
		base64.StdEncoding.EncodeToString(v[:]), base64.RawURLEncoding.EncodeToString(v[:]), strings.Trim(fmt.Sprint(v[:]), "[]"),
	}
}

// TestLifeCycleEvents: SEC-35, SEC-23. Every turn of a session's life raises its event, with the public ID, and with
// nothing of a token.
func TestLifeCycleEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []string
		var all strings.Builder
		names := map[ID]string{{}: "none"}
		st := new(spy)
		m := manager(t, st, Config{PerUser: Limit{Max: 1}, Policy: Policy{RotateEvery: time.Hour, Idle: 2 * time.Hour}, Observe: func(_ context.Context, e Event) {
			if names[e.ID] == "" {
				names[e.ID] = fmt.Sprint("s", len(names))
			}
			got = append(got, strings.TrimSpace(fmt.Sprintf("%v %s %s %s", e.Kind, names[e.ID], e.User, e.Reason)))
			fmt.Fprintf(&all, "%v %+v %#v", e, e, e)
		}})
		v := visitor{t: t, m: m, client: Client{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "a"}}
		var tokens []string
		step := func(what string, f func(Session), want ...string) {
			t.Helper()
			got = nil
			_, err := v.try(f)
			if err != nil && !strings.HasPrefix(what, "refused") {
				t.Fatalf("%s: %v", what, err)
			}
			if v.token != "" {
				tokens = append(tokens, v.token)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: got  %q\nwant %q", what, got, want)
			}
			time.Sleep(time.Second)
		}
		n := Key[int]("n")
		read := func(s Session) { n.Get(s) }
		step("nothing", read)
		step("value", func(s Session) { n.Set(s, 1) }, "created s1")
		step("save", func(s Session) { n.Set(s, 2) })
		step("login", func(s Session) { s.Login("alice") }, "logged in s1 alice")
		first := v.token
		step("reauthentication", func(s Session) { s.Reauthenticate() }, "logged in s1 alice")
		second := v.token
		v.token = first
		step("old token", read, "token replaced s1 alice")
		v.token = second
		step("rotation", func(s Session) { s.Rotate() }, "rotated s1 alice")
		v.client.UserAgent = "b"
		step("change of client", func(s Session) { n.Set(s, 3) }, "client changed s1 alice")
		time.Sleep(time.Hour)
		step("periodic rotation", read, "rotated s1 alice")
		step("first use", read)
		spoil(t, st, v.token, func(d data) data { return d.with("n", []byte("{")) })
		step("spoiled value", read, "value corrupt s1 alice n")
		spoil(t, st, v.token, func(data) data { return []byte("junk") })
		step("spoiled values", read, "value corrupt s1 alice")
		step("clear", func(s Session) { s.Clear() }, "value corrupt s1 alice")
		old := v.token
		step("logout and value", func(s Session) { s.Logout(); n.Set(s, 1) }, "logged out s1 alice", "created s2")
		v.token = old
		step("logged out", read, "unknown token s1")
		v.token = ""
		step("second login", func(s Session) { s.Login("alice") }, "created s3 alice", "logged in s3 alice")
		v.token = ""
		step("limit", func(s Session) { s.Login("alice") }, "revoked s3 alice limit", "created s4 alice", "logged in s4 alice")
		id := idOf(v.token)
		got = nil
		if err := m.Revoke(t.Context(), "alice", id); err != nil || !slices.Equal(got, []string{"revoked s4 alice revoke"}) {
			t.Errorf("Revoke: %v, events %q", err, got)
		}
		v.token = ""
		step("third login", func(s Session) { s.Login("alice") }, "created s5 alice", "logged in s5 alice")
		got = nil
		if n, err := m.RevokeUser(t.Context(), "alice"); n != 1 || err != nil || !slices.Equal(got, []string{"revoked s5 alice revoke user"}) {
			t.Errorf("RevokeUser: %d, %v, events %q", n, err, got)
		}
		v.token = ""
		step("refused by the cut-off", func(s Session) { s.Login("alice", AuthenticatedAt(time.Now().Add(-time.Minute))) }, "revoked s6 alice cut-off")
		v.token = ""
		step("fourth login", func(s Session) { s.Login("bob") }, "created s7 bob", "logged in s7 bob")
		time.Sleep(3 * time.Hour)
		step("expired", read, "expired s7 bob")

		for _, token := range tokens {
			for _, f := range forms(token) {
				if strings.Contains(all.String(), f) {
					t.Fatalf("an event holds a token as %.16q…", f)
				}
			}
		}
	})
}

// TestCorruptEvent: SEC-35, BAD-48. Values that cannot be read are reported once by each request that meets them, however
// it does.
func TestCorruptEvent(t *testing.T) {
	t.Parallel()
	n := Key[int]("n")
	for what, f := range map[string]func(Session){
		"get": func(s Session) { n.Get(s); n.Get(s) }, "has": func(s Session) { n.Has(s) }, "set": func(s Session) { n.Set(s, 1) },
		"update": func(s Session) { n.Update(s, func(n int) int { return n }) }, "clear": func(s Session) { s.Clear() },
		"keys": func(s Session) {
			for range s.Keys() {
				t.Error("a name")
			}
		},
		"delete": func(s Session) { n.Delete(s) },
	} {
		var events []Event
		st := new(spy)
		v := visitor{t: t, m: manager(t, st, Config{Observe: func(_ context.Context, e Event) { events = append(events, e) }})}
		v.do(func(s Session) { s.Login("alice") })
		spoil(t, st, v.token, func(data) data { return []byte("junk") })
		events = nil
		_, _ = v.try(f)
		if len(events) != 1 || events[0].Kind != ValueCorrupt || !errors.Is(events[0].Err, ErrCorrupt) || events[0].Reason != "" {
			t.Errorf("%s: got %+v, want one ValueCorrupt", what, events)
		}
	}
}

// TestEventKinds: SEC-35. Each kind has a name of its own.
func TestEventKinds(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for k := Created; k <= ValueCorrupt; k++ {
		if s := k.String(); s == "" || s == "unknown" || seen[s] {
			t.Errorf("kind %d is called %q", k, s)
		}
		seen[k.String()] = true
	}
	if s := (ValueCorrupt + 1).String(); s != "unknown" {
		t.Errorf("an unknown kind is called %q", s)
	}
}

// outage is a store that fails with what it was given.
type outage struct{ *spy }

func (o outage) Save(_ context.Context, r *store.Record) error {
	return fmt.Errorf("cannot save %x", r.Secret)
}

// TestTokenIsNowhere: SEC-23, CVE-35, CVE-36. Whatever of a session is printed, logged, marshaled or returned as an error
// holds nothing of its token.
func TestTokenIsNowhere(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{}, {Header: "X-Session"}, {Keys: [][]byte{bytes.Repeat([]byte("key!"), 8)}}} {
		var out bytes.Buffer
		text, js := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})), slog.New(slog.NewJSONHandler(&out, nil))
		c.Logger = text
		c.Observe = func(ctx context.Context, e Event) {
			text.InfoContext(ctx, "event", "event", e, "context", ctx)
			js.InfoContext(ctx, "event", "event", e)
		}
		st := new(spy)
		m := manager(t, st, c)
		show := func(values ...any) {
			for _, x := range values {
				for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
					fmt.Fprintf(&out, verb+"\n", x)
				}
				b, err := json.Marshal(x)
				fmt.Fprintf(&out, "%s %v\n", b, err)
				text.Info("x", "x", x)
				js.Info("x", "x", x)
			}
		}
		v := visitor{t: t, m: m}
		var tokens []string
		collect := func() {
			if v.token != "" {
				tokens = append(tokens, v.token)
			}
		}
		v.do(func(s Session) { s.Login("alice"); show(s, s.Info()) })
		collect()
		v.do(func(s Session) {
			wrapped := struct{ Session }{s}
			ctx := s.self()
			show(s, wrapped, []Session{s}, map[string]any{"s": s}, s.Info(), m, *ctx.base)
		})
		collect()
		v.do(func(s Session) {
			s.Rotate()
			if err := s.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			show(s, struct{ C context.Context }{s.self().ctx}, s.self().ctx) // it holds the new token for the response now
		})
		collect()
		_, err := v.try(func(s Session) { Key[string]("odd\n").Set(s, "x"); show(s.Err()) })
		show(err)
		list, err := Collect(m.Sessions(t.Context(), "alice"))
		show(list, err)
		good := v.token
		v.token = v.token[:63] + "!"
		v.do(func(s Session) { show(s) })
		v.token = good
		v.m = manager(t, outage{st}, c)
		_, err = v.try(func(s Session) { s.Reauthenticate() })
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		show(err)
		v.m = m
		v.do(func(s Session) { s.Logout(); show(s) })
		collect()
		if len(tokens) != 3 || out.Len() < 1000 {
			t.Fatalf("%d tokens, %d bytes of output: the test has gone blind", len(tokens), out.Len())
		}
		for i, token := range tokens {
			for _, f := range append(forms(token), "key!key!") {
				if at := bytes.Index(out.Bytes(), []byte(f)); at >= 0 {
					t.Errorf("token %d is there as %.16q…: %q", i, f, out.Bytes()[max(0, at-100):at])
				}
			}
		}
	}
}

// TestStoreNeverSeesToken: CVE-33, CVE-34, SEC-26. Neither what the store was given, in a whole life of sessions, nor what
// is in it afterwards, holds a token or a verifier: only the digest, which is what the session is found by.
func TestStoreNeverSeesToken(t *testing.T) {
	t.Parallel()
	st := new(spy)
	m := manager(t, st, Config{PerUser: Limit{Max: 3}, Policy: Policy{RotateEvery: 4 * time.Nanosecond, Grace: time.Nanosecond}})
	var tokens []string
	for i := range 5 {
		v := visitor{t: t, m: m, client: Client{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "agent"}}
		for _, f := range []func(Session){
			func(s Session) { Key[int]("n").Set(s, i) },
			func(s Session) { s.Login("alice") },
			func(s Session) { Key[int]("n").Set(s, i) }, // rotates too
			func(Session) {},
			func(s Session) { s.Reauthenticate() },
			func(s Session) { s.Rotate() },
			func(s Session) { s.Login("bob") },
			func(s Session) { s.Login("alice") },
		} {
			v.do(f)
			if len(tokens) == 0 || tokens[len(tokens)-1] != v.token { // a token that was just shown is not followed at once
				tokens = append(tokens, v.token)
			}
		}
		guess := newToken(m.newID(now()))
		w := visitor{t: t, m: m, token: guess.text()}
		tokens = append(tokens, w.token)
		w.user() // unknown
		guess.id = idOf(v.token)
		w.token = guess.text()
		tokens = append(tokens, w.token)
		w.user() // a guess
	}
	for _, err := range m.Sessions(t.Context(), "alice") {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.RevokeUser(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	if different := slices.Compact(slices.Sorted(slices.Values(tokens))); len(different) != len(tokens) {
		t.Fatalf("%d different tokens of %d", len(different), len(tokens))
	}
	var dump strings.Builder
	records := 0
	for r, err := range st.Store.List(t.Context(), store.Query{Data: true}) {
		if err != nil {
			t.Fatal(err)
		}
		full, err := st.Store.Load(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		dump.Write(store.AppendRecord(nil, full))
		fmt.Fprintf(&dump, "%+v %x", full, full.Secret)
		records++
	}
	if records != 3 {
		t.Errorf("%d records, want the 3 of alice", records)
	}
	last := tokens[len(tokens)-3]
	v, _ := parseToken(last)
	if d := v.digest(m.realms[0]); !strings.Contains(dump.String(), string(d[:])) || !strings.Contains(st.given.String(), string(d[:])) {
		t.Error("the digest of the last token is not there: the test has gone blind")
	}
	for i, token := range tokens {
		for _, f := range forms(token) {
			if strings.Contains(st.given.String(), f) {
				t.Errorf("token %d was given to the store as %.16q…", i, f)
			}
			if strings.Contains(dump.String(), f) {
				t.Errorf("token %d is in the store as %.16q…", i, f)
			}
		}
	}
}

// TestInfoJSON: CVE-37, SEC-23. A session in a list has these fields and no others.
func TestInfoJSON(t *testing.T) {
	t.Parallel()
	full := Info{
		ID: store.NewID(time.Now()), User: "alice", Current: true, CreatedAt: now(), AuthenticatedAt: now(), LastSeen: now(),
		ExpiresAt: now(), Level: 1, Remembered: true, Deadline: now(), Client: Client{netip.MustParseAddr("192.0.2.1"), "agent", Hints{Model: "x"}},
		Facts: Facts{
			Device{Family: "iPhone", OS: Product{Name: "iOS"}, Browser: Product{Name: "Safari"}, Kind: KindMobile},
			Location{City: "Oslo", Country: "Norway", CountryCode: "NO"}, map[string]string{"operator": "x"},
		},
	}
	fields := func(v any) (map[string]any, []string) {
		t.Helper()
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		return m, slices.Sorted(maps.Keys(m))
	}
	m, got := fields(full)
	if want := strings.Fields("authenticated_at created_at current deadline device expires_at extra id ip last_seen level location remembered user user_agent"); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if d, l := slices.Sorted(maps.Keys(m["device"].(map[string]any))), slices.Sorted(maps.Keys(m["location"].(map[string]any))); !slices.Equal(d, []string{"browser", "family", "kind", "os"}) || !slices.Equal(l, []string{"city", "country", "country_code"}) {
		t.Errorf("device %v, location %v", d, l)
	}
	if _, got := fields(Info{}); !slices.Equal(got, []string{"current"}) {
		t.Errorf("empty: got %v, want current alone", got)
	}
	v := visitor{t: t, m: manager(t, new(spy), Config{})}
	v.do(func(s Session) { s.Login("alice"); Key[string]("private").Set(s, "value") })
	list, err := Collect(v.m.Sessions(t.Context(), "alice"))
	if err != nil || len(list) != 1 {
		t.Fatalf("%d sessions, %v", len(list), err)
	}
	if _, got := fields(list[0]); !slices.Equal(got, strings.Fields("authenticated_at created_at current expires_at id last_seen user")) {
		t.Errorf("listed: got %v", got)
	}
}
