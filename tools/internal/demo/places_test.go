package demo

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/tools/internal/mmdb"
	"github.com/qsessions/qsessions/tools/internal/stores/storestest"
)

const (
	chrome = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Mobile Safari/537.36"
	safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)

// TestDescribed: the list says on which devices and where, and that the places are not those of the addresses.
func TestDescribed(t *testing.T) {
	t.Parallel()
	site := start(t, storestest.SQLite(t), "")
	one, two := site.browser(t, chrome), site.browser(t, safari)
	one.signIn(t, "alice")
	if got := two.get(t, "/").header.Get("Accept-CH"); !strings.Contains(got, "Sec-CH-UA-Model") {
		t.Errorf("got Accept-CH %q", got)
	}
	two.signIn(t, "alice")
	list := one.get(t, "/sessions")
	a, b := list.of(t, chrome), list.of(t, safari)
	if a.device != "Chrome on Android" || a.details != "K / Android 10 / Chrome Mobile 118.0.0" || b.device != "Safari on iOS" {
		t.Errorf("got %+v, %+v", a, b)
	}
	if !strings.Contains(a.place, ", ") || a.ip != "127.0.0.1" || strings.Count(list.body, "(as if from ") != 2 {
		t.Errorf("got %+v on\n%s", a, list.body)
	}
	unknown := site.browser(t, "x")
	unknown.signIn(t, "bob")
	if got := unknown.get(t, "/sessions").rows(); len(got) != 1 || got[0].device != "unknown" || got[0].place == "unknown" {
		t.Errorf("got %+v", got)
	}
	// Client hints say what the User-Agent does not.
	one.do(t, "POST", "/cart/add", map[string][]string{"item": {"plum"}}, "Sec-CH-UA-Platform", `"Android"`, "Sec-CH-UA-Model", `"Pixel 7"`)
	if got := one.get(t, "/sessions").of(t, chrome).details; !strings.Contains(got, "Pixel 7") {
		t.Errorf("with hints: got %q", got)
	}
}

// TestPlaces: each of the example addresses has a place of its own; browsers keep theirs; real addresses are themselves.
func TestPlaces(t *testing.T) {
	t.Parallel()
	p := examples(t)
	places := map[string]bool{}
	for i := range 400 {
		c := session.Client{IP: netip.MustParseAddr("127.0.0.1"), UserAgent: strings.Repeat("x", i)}
		f, err := p.Enrich(t.Context(), c)
		if err != nil || f.Location.City == "" || f.Location.TimeZone == "" || f.Extra[asIf] == "" {
			t.Fatalf("got %+v, %v", f, err)
		}
		if _, err := time.LoadLocation(f.Location.TimeZone); err != nil {
			t.Error(err)
		}
		if again, err := p.Enrich(t.Context(), c); err != nil || again.Location != f.Location {
			t.Errorf("got %+v and then %+v, %v", f, again, err)
		}
		places[f.Location.String()] = true
	}
	if len(places) != len(atlas()) {
		t.Errorf("got places %v, want %d", places, len(atlas()))
	}
	for ip, want := range map[string]string{"192.0.2.1": "Berlin, Germany", "2001:db8:1::9": "Berlin, Germany", "89.160.20.112": "", "203.0.113.241": ""} {
		f, err := p.Enrich(t.Context(), session.Client{IP: netip.MustParseAddr(ip)})
		if err != nil || f.Location.String() != want || f.Extra != nil {
			t.Errorf("%s: got %+v, %v", ip, f, err)
		}
	}
}

// TestNothingIsLeft: the examples are a file only for a moment.
func TestNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	examples(t)
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("got %v, %v", files, err)
	}
}

// TestOpenPlaces: real databases have places for real addresses, and so the examples are real.
func TestOpenPlaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, err := mmdb.City(time.Now(), mmdb.Place{Network: netip.MustParsePrefix("0.0.0.0/0"), City: "Somewhere", Country: "Atlantis", Code: "XA"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPlaces(dir, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("an empty folder will do")
	}
	if err := os.WriteFile(filepath.Join(dir, "GeoLite2-City.mmdb"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := OpenPlaces(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, ip := range []string{"127.0.0.1", "::1", "192.168.1.2"} {
		f, err := p.Enrich(t.Context(), session.Client{IP: netip.MustParseAddr(ip)})
		if err != nil || f.Location.String() != "Somewhere, Atlantis" || f.Extra[asIf] == "" {
			t.Errorf("%s: got %+v, %v", ip, f, err)
		}
	}
}
