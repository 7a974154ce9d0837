package session

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// TestRequestWithoutUserAgent: RPT-39. What a request does not say of its client stays as the one before said it, and is no
// change; what it says counts.
func TestRequestWithoutUserAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events int
		b := newBrowser(t, newManager(t, new(memory.Store), Config{Observe: func(_ context.Context, e Event) {
			if e.Kind == ClientChanged {
				events++
			}
		}}))
		b.client = Client{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "test/1.0", Hints: Hints{Platform: `"Android"`}}
		b.do(func(s Session) { s.Login("alice") })
		for name, c := range map[string]struct {
			use  func(s Session)
			wait time.Duration
		}{"a touch": {nothing, 2 * time.Minute}, "a save": {func(s Session) { color.Set(s, "red") }, 0}, "a new token": {func(s Session) { s.Rotate() }, 0}} {
			b.client = Client{IP: netip.MustParseAddr("192.0.2.1")}
			time.Sleep(c.wait)
			b.do(c.use)
			i, err := b.m.Inspect(t.Context(), b.id())
			if err != nil || i.UserAgent != "test/1.0" || i.Hints.Platform != `"Android"` || events != 0 {
				t.Errorf("%s: %+v, %v, %d events", name, i.Client, err, events)
			}
		}
		b.client = Client{} // neither
		b.do(func(s Session) { color.Set(s, "blue") })
		if i, err := b.m.Inspect(t.Context(), b.id()); err != nil || !i.IP.IsValid() || events != 0 {
			t.Errorf("without an address: %+v, %v, %d events", i.Client, err, events)
		}
		b.client = Client{IP: netip.MustParseAddr("192.0.2.9")} // a thief without a User-Agent
		b.do(func(s Session) { color.Set(s, "green") })
		if i, err := b.m.Inspect(t.Context(), b.id()); err != nil || i.IP != b.client.IP || i.UserAgent != "test/1.0" || events != 1 {
			t.Errorf("another address: %+v, %v, %d events", i.Client, err, events)
		}
	})
}

// TestClearStaysSignedIn: RPT-42. Clear deletes the values and signs no user out.
func TestClearStaysSignedIn(t *testing.T) {
	b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
	b.do(func(s Session) { s.Login("alice"); color.Set(s, "red") })
	id := b.id()
	b.do(func(s Session) { s.Clear() })
	b.do(func(s Session) {
		if s.User() != "alice" || color.Has(s) || s.ID() != id {
			t.Errorf("after Clear: user %q, color %q, the ID is the same: %t", s.User(), color.Get(s), s.ID() == id)
		}
	})
}
