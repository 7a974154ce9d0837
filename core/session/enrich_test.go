package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A logBuffer is a log that goroutines may share.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func enriched(t *testing.T, log *logBuffer, e ...Enricher) *Manager {
	t.Helper()
	return manager(t, new(spy), Config{Enrichers: e, EnrichTimeout: time.Second, Logger: slog.New(slog.NewTextHandler(log, nil))})
}

func extra(name string, after time.Duration) Enricher {
	return EnricherFunc(func(ctx context.Context, _ Client) (Facts, error) {
		select {
		case <-time.After(after):
			return Facts{Extra: map[string]string{name: "yes"}}, nil
		case <-ctx.Done():
			return Facts{}, ctx.Err()
		}
	})
}

// TestEnrichersInParallel: enrichers run beside each other, and what they find is put together; of the same fact the
// later enricher's counts.
func TestEnrichersInParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log logBuffer
		fact := func(f Facts) Enricher {
			return EnricherFunc(func(context.Context, Client) (Facts, error) { return f, nil })
		}
		m := enriched(
			t, &log, extra("a", 600*time.Millisecond), extra("b", 600*time.Millisecond), extra("c", 600*time.Millisecond),
			fact(Facts{Device: Device{OS: Product{Name: "Debian"}}, Extra: map[string]string{"same": "first"}}),
			fact(Facts{Location: Location{City: "Oslo", Country: "Norway"}}),
			fact(Facts{Device: Device{OS: Product{Name: "Debian"}, Browser: Product{Name: "Firefox"}}, Extra: map[string]string{"same": "second"}}),
		)
		begin := time.Now()
		i := m.Describe(t.Context(), Info{User: "alice"})
		if took := time.Since(begin); took != 600*time.Millisecond {
			t.Errorf("took %v, want 600ms: as long as one of them", took)
		}
		got := fmt.Sprint(i.User, "; ", i.Device, "; ", i.Location, "; ", i.Extra)
		if want := "alice; Debian / Firefox; Oslo, Norway; map[a:yes b:yes c:yes same:second]"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if log.String() != "" {
			t.Errorf("log: %s", log.String())
		}
	})
}

// TestEnricherFailures: an enricher that is slow, fails or panics costs its own facts and a line of log, and nobody
// waits for longer than EnrichTimeout.
func TestEnricherFailures(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		e    Enricher
		log  string
		took time.Duration
	}{
		{"slow", extra("slow", time.Hour), "enricher", time.Second},
		{"deaf", EnricherFunc(func(context.Context, Client) (Facts, error) {
			time.Sleep(3 * time.Second) // virtual
			return Facts{Extra: map[string]string{"deaf": "yes"}}, nil
		}), "enricher is late", time.Second},
		{"error", EnricherFunc(func(context.Context, Client) (Facts, error) {
			return Facts{Extra: map[string]string{"error": "yes"}}, errors.New("no database")
		}), "no database", 0},
		{"panic", EnricherFunc(func(context.Context, Client) (Facts, error) { panic("broken") }), "broken", 0},
		{"nil function", EnricherFunc(nil), "nil pointer", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log logBuffer
				m := enriched(t, &log, extra("a", 0), test.e, extra("b", 0))
				begin := time.Now()
				i := m.Describe(t.Context(), Info{})
				if took := time.Since(begin); took != test.took {
					t.Errorf("took %v, want %v", took, test.took)
				}
				if got := fmt.Sprint(i.Extra); got != "map[a:yes b:yes]" {
					t.Errorf("got %s, want the facts of the others", got)
				}
				if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, test.log) {
					t.Errorf("log %q, want one warning with %q", got, test.log)
				}
				time.Sleep(time.Hour) // the late one ends before its bubble does
			})
		})
	}
}

// TestEnrichersOfLists: each different client of a page is described once, sessions share no memory through their facts,
// and no enricher runs on the request path.
func TestEnrichersOfLists(t *testing.T) {
	t.Parallel()
	var log logBuffer
	var calls atomic.Int32
	m := enriched(t, &log, EnricherFunc(func(_ context.Context, c Client) (Facts, error) {
		calls.Add(1)
		return Facts{Extra: map[string]string{"ip": c.IP.String()}}, nil
	}))
	for i := range 120 {
		v := visitor{t: t, m: m, client: Client{IP: netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 3)})}}
		v.do(func(s Session) { s.Login("alice"); Key[int]("n").Set(s, i) })
	}
	if calls.Load() != 0 {
		t.Errorf("%d calls while nobody looked, want none", calls.Load())
	}
	list, err := Collect(m.Sessions(t.Context(), "alice"))
	if err != nil || len(list) != 120 {
		t.Fatalf("%d sessions, %v; want 120", len(list), err)
	}
	if n := calls.Load(); n != 9 {
		t.Errorf("%d calls, want 3 for each of 3 pages", n)
	}
	list[0].Extra["ip"] = "changed"
	for _, i := range list[1:] {
		if i.Extra["ip"] != i.IP.String() {
			t.Fatalf("session of %v has the facts of %s", i.IP, i.Extra["ip"])
		}
	}
}

// TestEnricherFailsForOneClient: what an enricher cannot say of one client costs the others nothing, and is one line of
// log.
func TestEnricherFailsForOneClient(t *testing.T) {
	t.Parallel()
	var log logBuffer
	m := enriched(t, &log, EnricherFunc(func(_ context.Context, c Client) (Facts, error) {
		switch c.UserAgent {
		case "bad":
			return Facts{Extra: map[string]string{"of": "bad"}}, errors.New("first problem")
		case "broken":
			panic("second problem")
		}
		return Facts{Extra: map[string]string{"of": c.UserAgent}}, nil
	}))
	for _, ua := range []string{"a", "bad", "b", "bad", "broken", "a", "c"} {
		v := visitor{t: t, m: m, client: Client{UserAgent: ua}}
		v.do(func(s Session) { s.Login("alice") })
	}
	list, err := Collect(m.Sessions(t.Context(), "alice"))
	if err != nil || len(list) != 7 {
		t.Fatalf("%d sessions, %v; want 7", len(list), err)
	}
	for _, i := range list {
		want := i.UserAgent
		if want == "bad" || want == "broken" {
			want = ""
		}
		if i.Extra["of"] != want {
			t.Errorf("%s has the facts of %q", i.UserAgent, i.Extra["of"])
		}
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "clients=2") || !strings.Contains(got, "type=session.EnricherFunc") {
		t.Errorf("log: %q, want one line about 2 clients", got)
	}
}
