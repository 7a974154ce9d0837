package session

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/qsessions/qsessions/core/store"
)

var pixel = Hints{
	Platform: `"Android"`, PlatformVersion: `"14.0.0"`, Model: `"Pixel 7"`, Mobile: "?1", Brands: `"Chromium";v="118", "Not=A?Brand";v="99"`,
}

const reduced = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Mobile Safari/537.36"

// TestHintsInRecord: hints go behind the User-Agent, which is never cut for them, into what is left of the field.
func TestHintsInRecord(t *testing.T) {
	t.Parallel()
	most := func(n int) string { return strings.Repeat("m", n) }
	for _, test := range []struct {
		name      string
		c         Client
		userAgent string
		hints     Hints
	}{
		{"all", Client{UserAgent: reduced, Hints: pixel}, reduced, pixel},
		{"none", Client{UserAgent: reduced}, reduced, Hints{}},
		{"some", Client{UserAgent: "a", Hints: Hints{Model: "m"}}, "a", Hints{Model: "m"}},
		{"no User-Agent", Client{Hints: pixel}, "", Hints{}},
		{"no room", Client{UserAgent: most(512), Hints: pixel}, most(512), Hints{}},
		{"no room for a mark", Client{UserAgent: most(510), Hints: pixel}, most(510), Hints{}},
		{"room for one", Client{UserAgent: most(512 - 3 - 9), Hints: pixel}, most(512 - 3 - 9), Hints{Platform: pixel.Platform}},
		{"room for a later one", Client{UserAgent: most(512 - 4*3 - 2), Hints: Hints{Platform: most(50), Mobile: "?1"}}, most(512 - 4*3 - 2), Hints{Mobile: "?1"}},
		{"long hint", Client{UserAgent: "a", Hints: Hints{Model: most(193), Brands: most(192)}}, "a", Hints{Brands: most(192)}},
		{"BAD-20 bytes", Client{UserAgent: "a", Hints: Hints{Platform: "x\x00", PlatformVersion: "1\n", Model: "\xff", Mobile: "\x7f", Brands: "é"}}, "a", Hints{}},
		{"forged by a hint", Client{UserAgent: "a", Hints: Hints{Platform: "x\ufdd0y", Model: "m"}}, "a", Hints{Model: "m"}},
		{"forged by the User-Agent", Client{UserAgent: "a\ufdd0\"Windows\"\ufdd0\"15\""}, "a\ufffd\"Windows\"\ufffd\"15\"", Hints{}},
	} {
		s := test.c.clean().stored("")
		if len(s) > store.MaxUserAgent || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			t.Errorf("%s: %q is no User-Agent field", test.name, s)
		}
		if ua, h := unstored(s); ua != test.userAgent || h != test.hints {
			t.Errorf("%s: got %.40q %+v, want %.40q %+v", test.name, ua, h, test.userAgent, test.hints)
		}
		if s != test.c.clean().stored(s) {
			t.Errorf("%s: stored again it differs", test.name)
		}
	}
}

// FuzzHints: whatever a client sends, a store gets what it may get, and gives back what was clean.
func FuzzHints(f *testing.F) {
	f.Add(reduced, pixel.Platform, pixel.PlatformVersion, pixel.Model, pixel.Mobile, pixel.Brands, "")
	f.Add("a", "\ufdd0", "\xef\xb7\x90", "", "", strings.Repeat("b", 500), "a\ufdd0x\ufdd0")
	f.Fuzz(func(t *testing.T, ua, platform, version, model, mobile, brands, old string) {
		c := Client{UserAgent: ua, Hints: Hints{platform, version, model, mobile, brands}}.clean()
		s := c.stored("")
		if len(s) > store.MaxUserAgent || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			t.Fatalf("stored as %q", s)
		}
		got, hints := unstored(s)
		if got != c.UserAgent {
			t.Fatalf("User-Agent %q became %q", c.UserAgent, got)
		}
		sent := c.Hints.fields()
		for i, h := range hints.fields() {
			if *h != "" && *h != *sent[i] {
				t.Fatalf("hint %q became %q", *sent[i], *h)
			}
		}
		if got, _ := unstored(c.stored(old)); c.UserAgent != "" && got != c.UserAgent {
			t.Fatalf("over %q the User-Agent %q became %q", old, c.UserAgent, got)
		}
	})
}

// TestHintsTravel: SEC-29. Hints come with the writes that happen anyway, stay while the User-Agent does, and reach lists and
// enrichers; what is called the User-Agent is the string alone. That they arrive is no change of the client, that they
// differ is one.
func TestHintsTravel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes int
		var asked []Client
		db := new(counting)
		m := newManager(t, db, Config{
			Observe: func(_ context.Context, e Event) {
				if e.Kind == ClientChanged {
					changes++
				}
			},
			Enrichers: []Enricher{EnricherFunc(func(_ context.Context, c Client) (Facts, error) {
				asked = append(asked, c)
				return Facts{}, nil
			})},
		})
		ip := netip.MustParseAddr("192.0.2.1")
		b := newBrowser(t, m)
		b.client = Client{IP: ip, UserAgent: reduced}
		b.do(func(s Session) { s.Login("alice") })
		writes := db.writes()
		for _, step := range []struct {
			name    string
			c       Client
			wait    time.Duration
			want    Client
			writes  int64
			changes int
		}{
			{"hints arrive", Client{ip, reduced, pixel}, time.Second, Client{ip, reduced, Hints{}}, 0, 0},
			{"with the next touch", Client{ip, reduced, pixel}, time.Hour / 12, Client{ip, reduced, pixel}, 1, 0},
			{"not sent this time", Client{ip, reduced, Hints{Mobile: "?1"}}, time.Hour / 12, Client{ip, reduced, pixel}, 2, 0},
			{"another phone", Client{ip, reduced, Hints{Model: `"Pixel 8"`}}, time.Hour / 12,
				Client{ip, reduced, Hints{pixel.Platform, pixel.PlatformVersion, `"Pixel 8"`, pixel.Mobile, pixel.Brands}}, 3, 1},
			{"another browser", Client{ip, "Firefox", Hints{}}, time.Hour / 12, Client{ip, "Firefox", Hints{}}, 4, 2},
			{"unknown", Client{}, time.Hour / 12, Client{ip, "Firefox", Hints{}}, 5, 2},
		} {
			time.Sleep(step.wait)
			b.client = step.c
			b.user()
			asked = nil
			list, err := Collect(m.Sessions(t.Context(), "alice"))
			if err != nil || len(list) != 1 || list[0].Client != step.want || !slices.Equal(asked, []Client{step.want}) {
				t.Errorf("%s: got %+v, asked for %+v, %v\nwant %+v", step.name, list, asked, err, step.want)
			}
			if n := int64(db.writes() - writes); n != step.writes || changes != step.changes {
				t.Errorf("%s: %d writes and %d changes, want %d and %d", step.name, n, changes, step.writes, step.changes)
			}
		}
	})
}

// TestReadHints: the hints are asked for by their names in canonical form.
func TestReadHints(t *testing.T) {
	t.Parallel()
	header := map[string]string{
		"Sec-Ch-Ua": pixel.Brands, "Sec-Ch-Ua-Platform": pixel.Platform, "Sec-Ch-Ua-Platform-Version": pixel.PlatformVersion,
		"Sec-Ch-Ua-Model": pixel.Model, "Sec-Ch-Ua-Mobile": pixel.Mobile,
	}
	if got := ReadHints(func(name string) string { return header[name] }); got != pixel {
		t.Errorf("got %+v", got)
	}
}
