package session

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// TestStolenCookieIsSeen: ATK-6. Anyone who uses the cookie of another is reported at the first request, between two touches too,
// and by a store that answers from copies: once for each change, without a call of the store.
func TestStolenCookieIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []Event
		db := new(counting)
		m := newManager(t, db, Config{Observe: func(_ context.Context, e Event) { events = append(events, e) }})
		victim := newBrowser(t, m)
		victim.do(logsIn("alice"))
		thief := victim.old()
		thief.client = Client{IP: netip.MustParseAddr("203.0.113.9"), UserAgent: "curl/8"}
		events = nil
		total := db.total()
		for range 10 { // between two touches
			victim.user()
			thief.user()
		}
		if n := db.total() - total; n != 20 {
			t.Errorf("20 requests cost %d calls", n)
		}
		if len(events) != 1 || events[0].Kind != ClientChanged || events[0].User != "alice" || events[0].Client.IP != thief.client.IP {
			t.Errorf("events: %+v, want one of the thief's client", events)
		}
		time.Sleep(time.Minute)
		victim.user()
		for i := range 20 { // each request is recorded
			b := []*browser{thief, victim}[i%2]
			events = nil
			time.Sleep(time.Minute)
			b.user()
			if i > 0 && (len(events) != 1 || events[0].Kind != ClientChanged || events[0].Client.IP != b.client.IP) {
				t.Errorf("change %d: %+v, want one event of %v", i, events, b.client.IP)
			}
		}
		events = nil
		list, err := Collect(m.Sessions(t.Context(), "alice"))
		if err != nil || len(list) != 1 || list[0].IP != victim.client.IP || len(events) != 0 {
			t.Errorf("list: %+v, %v, events %v", list, err, events)
		}
	})
}

// TestClientChangeOfOddClients: ATK-6, BAD-20, BAD-22. A client that is not stored as it is claimed, or claims nothing, is no
// change by that.
func TestClientChangeOfOddClients(t *testing.T) {
	t.Parallel()
	for name, clients := range map[string][]Client{
		"mapped address": {{IP: netip.MustParseAddr("::ffff:192.0.2.1")}, {IP: netip.MustParseAddr("192.0.2.1")}, {IP: netip.MustParseAddr("::ffff:192.0.2.1")}},
		"zone":           {{IP: netip.MustParseAddr("fe80::1%a")}, {IP: netip.MustParseAddr("fe80::1%b")}},
		"User-Agent":     {{UserAgent: "a\x00\xff"}, {UserAgent: "a\x00\xff"}, {UserAgent: "a\ufffd\ufffd"}},
		"unknown":        {{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "a"}, {}, {UserAgent: "a"}, {IP: netip.MustParseAddr("192.0.2.1")}},
		"hints": {{UserAgent: "a", Hints: Hints{Platform: `"X"`}}, {UserAgent: "a"}, {UserAgent: "a", Hints: Hints{Platform: `"X"`, Model: `"M"`}},
			{UserAgent: "a", Hints: Hints{Model: `"M"`}}},
	} {
		var events []Event
		m := newManager(t, new(memory.Store), Config{Observe: func(_ context.Context, e Event) {
			if e.Kind == ClientChanged {
				events = append(events, e)
			}
		}})
		b := newBrowser(t, m)
		for i, c := range clients {
			if b.client = c; i == 0 {
				b.do(logsIn("alice"))
			}
			b.user()
			b.do(func(s Session) { visits.Set(s, i) })
		}
		if len(events) != 0 {
			t.Errorf("%s: %+v", name, events)
		}
	}
}

// TestClientChangeAllocations: ATK-6. With an observer, a read of a session whose client is the same allocates no more than one
// without, and one whose change was reported calls no observer. What a read costs otherwise: the request's context, its
// session, the copy of the record (two), and a context with a deadline (two).
func TestClientChangeAllocations(t *testing.T) {
	reads := func(c Config, change bool) float64 {
		b := newBrowser(t, newManager(t, new(memory.Store), c))
		b.do(logsIn("alice"))
		if change {
			b.client.IP = netip.MustParseAddr("203.0.113.9")
			b.user()
		}
		lines := []string{b.cookie}
		return testing.AllocsPerRun(100, func() {
			ctx, _ := b.m.Start(t.Context(), b.client, lines...)
			if s, err := b.m.From(ctx); err != nil || s.User() != "alice" {
				t.Fatal(err)
			}
			if _, err := b.m.Finish(ctx); err != nil {
				t.Fatal(err)
			}
			b.m.Close(ctx)
		})
	}
	seen := 0
	observe := func(context.Context, Event) { seen++ }
	without, with := reads(Config{}, false), reads(Config{Observe: observe}, false)
	if without > 6 {
		t.Errorf("a read costs %v allocations, want 6 at the most", without)
	}
	if with != without {
		t.Errorf("%v allocations with an observer, %v without", with, without)
	}
	if seen = 0; reads(Config{Observe: observe}, true) > 0 && seen > 3 {
		t.Errorf("%d events of one change", seen)
	}
}

// BenchmarkRead: what a request costs that only reads its session.
func BenchmarkRead(b *testing.B) {
	for name, c := range map[string]Config{"cookie": {}, "header": {Header: "X-Session"}, "observed": {Observe: func(context.Context, Event) {}}} {
		b.Run(name, func(b *testing.B) {
			m := newManager(b, new(memory.Store), c)
			v := visitor{t: b, m: m, client: Client{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "test/1.0"}}
			v.do(func(s Session) { s.Login("alice"); color.Set(s, "red") })
			line := v.token
			if c.Header == "" {
				line = "__Host-session=" + v.token
			}
			lines := []string{line}
			b.ReportAllocs()
			for b.Loop() {
				ctx, _ := m.Start(context.Background(), v.client, lines...)
				if s, err := m.From(ctx); err != nil || s.User() != "alice" {
					b.Fatal(err)
				}
				if _, err := m.Commit(ctx); err != nil {
					b.Fatal(err)
				}
				m.Close(ctx)
			}
		})
	}
}
