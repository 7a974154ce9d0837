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

// TestDescribed: the list says on which devices and where, and the shop that places are not those of the addresses.
func TestDescribed(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, adapter Adapter) {
		site := start(t, adapter, storestest.SQLite(t), "")
		one, two := site.browser(t, chrome), site.browser(t, safari)
		one.signIn(t, "alice")
		home := two.get(t, "/")
		if got := home.header.Get("Accept-CH"); !strings.Contains(got, "Sec-CH-UA-Model") {
			t.Errorf("got Accept-CH %q", got)
		}
		if got := home.part(placePart); !strings.Contains(got, ", ") || !strings.Contains(got, " (as if from ") || !strings.Contains(home.body, "Safari on iOS") {
			t.Errorf("before the sign-in: got place %q on\n%s", got, home.body)
		}
		two.signIn(t, "alice")
		a, b := one.of(t, chrome), one.of(t, safari)
		if a.Device.Name != "Chrome on Android" || a.Device.Text != "K / Android 10 / Chrome Mobile 118.0.0.0" || b.Device.Name != "Safari on iOS" {
			t.Errorf("got %+v, %+v", a, b)
		}
		if !strings.Contains(a.Location.Text, ", ") || a.IP != "127.0.0.1" || a.Facts[asIf] == "" {
			t.Errorf("got %+v", a)
		}
		if got, want := one.get(t, "/").part(placePart), a.Location.Text+" (as if from "+a.Facts[asIf]+")"; got != want {
			t.Errorf("the shop says %q, want %q", got, want)
		}
		unknown := site.browser(t, "x")
		unknown.signIn(t, "bob")
		if got := unknown.rows(t); len(got) != 1 || got[0].Device.Name != "" || got[0].Location.Text == "" {
			t.Errorf("got %+v", got)
		}
		// Client hints say what the User-Agent does not.
		one.do(t, "POST", "/cart/add", map[string][]string{"item": {"plum"}}, "Sec-CH-UA-Platform", `"Android"`, "Sec-CH-UA-Model", `"Pixel 7"`)
		if got := one.of(t, chrome).Device.Text; !strings.Contains(got, "Pixel 7") {
			t.Errorf("with hints: got %q", got)
		}
	})
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
	for _, ip := range []string{"127.0.0.1", "::1", "192.168.1.2", "192.0.2.1", "2001:db8:1::2", "203.0.113.241"} {
		f, err := p.Enrich(t.Context(), session.Client{IP: netip.MustParseAddr(ip)})
		if err != nil || f.Location.String() != "Somewhere, Atlantis" || f.Extra[asIf] == "" {
			t.Errorf("%s: got %+v, %v", ip, f, err)
		}
	}
	if p.MadeUp() || !examples(t).MadeUp() {
		t.Error("the examples are made up, and these are not")
	}
}
