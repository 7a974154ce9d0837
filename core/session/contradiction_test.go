package session

import (
	"strings"
	"testing"
	"time"
)

// TestContradictions: RPT-47. New refuses settings of which one makes another one void, and names both.
func TestContradictions(t *testing.T) {
	t.Parallel()
	key := newKey()
	header := func(c Cookie) Config { return Config{Header: "Session", Cookie: c} }
	for i, c := range []struct {
		c     Config
		words string
	}{
		{header(Cookie{Name: "sid"}), "Header Cookie"},
		{header(Cookie{Path: "/app"}), "Header Cookie"},
		{header(Cookie{Domain: "example.com"}), "Header Cookie"},
		{header(Cookie{SameSite: SameSiteStrict}), "Header Cookie"},
		{header(Cookie{Partitioned: true}), "Header Cookie"},
		{header(Cookie{Insecure: true}), "Header Cookie"},
		{Config{Header: "Session", OldCookies: []Cookie{{Name: "sid"}}}, "Header OldCookies"},
		{Config{PerUser: Limit{Refuse: true}}, "Refuse Max"},
		{Config{ReadPlaintext: true}, "ReadPlaintext Keys"},
		{Config{WritePlaintext: true}, "WritePlaintext ReadPlaintext"},
		{Config{Keys: [][]byte{key}, WritePlaintext: true}, "WritePlaintext ReadPlaintext"},
		{Config{Policy: Policy{EndOnReplay: true}}, "EndOnReplay RotateEvery"},
		{Config{Policy: Policy{RotateEvery: 30 * 24 * time.Hour}}, "RotateEvery lifetime"},
		{Config{Policy: Policy{Idle: 2 * time.Hour, Lifetime: time.Hour}}, "Idle Lifetime"},
		{Config{Cookie: Cookie{Insecure: true, SameSite: SameSiteNone}}, "SameSite Insecure"},
		{Config{Cookie: Cookie{Insecure: true, Partitioned: true}}, "partitioned Insecure"},
		{Config{Cookie: Cookie{Name: "__Host-sid", Domain: "example.com"}}, "__Host- Domain"},
	} {
		_, err := New(new(spy), c.c)
		for w := range strings.FieldsSeq(c.words) {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%d: got %v, want an error about %s", i, err, c.words)
				break
			}
		}
	}
}
