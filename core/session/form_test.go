package session

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/qsessions/qsessions/core/memory"
)

// nextForm is a made-up next version of the bytes of a secret, which may be of any length.
func nextForm() secretForm {
	return secretForm{
		version: secretVersion + 1,
		encode:  func(s *secret) []byte { return append([]byte{secretVersion + 1, 0xaa, 0xbb}, s.encode()...) },
		decode: func(b []byte) (secret, bool) {
			if len(b) != secretLen+3 || b[1] != 0xaa || b[2] != 0xbb {
				return secret{}, false
			}
			return decodeSecret(b[3:])
		},
	}
}

// TestNextVersion: SEC-32, CVE-51. A version of the state that a release does not know is told from damage: it is an outage, and
// never a sign-out. With a release that reads the next version before the one that writes it, each step of an upgrade, and of
// its way back, has two releases side by side, and no client notices.
func TestNextVersion(t *testing.T) {
	now, next := secretForms()[0], nextForm()
	releases := map[string][]secretForm{"today's": {now}, "reading": {now, next}, "writing": {next, now}, "without the old": {next}}
	for _, step := range []struct {
		one, other string
		outage     bool
	}{
		{"today's", "reading", false}, {"reading", "writing", false}, {"writing", "without the old", false}, // what is old has been written anew by then
		{"reading", "today's", false}, {"writing", "reading", false}, // back
		{"today's", "writing", true}, // a release was left out
	} {
		db := new(memory.Store)
		var kinds []EventKind
		nodes := [2]*Manager{}
		for i, r := range []string{step.one, step.other} {
			nodes[i] = newManager(t, db, Config{Observe: func(_ context.Context, e Event) { kinds = append(kinds, e.Kind) }})
			nodes[i].forms = releases[r]
		}
		b := newBrowser(t, nodes[0])
		if step.other == "without the old" || step.outage {
			b.m = nodes[1]
		}
		b.do(func(s Session) { s.Login("alice"); color.Set(s, "red") })
		outage := false
		for i := range 8 {
			b.m = nodes[i%2]
			ctx, _ := b.m.Start(t.Context(), b.client, b.cookie)
			s, err := b.m.From(ctx)
			if err != nil {
				outage = true
				if e := b.m.Close(ctx); !errors.Is(err, ErrUnavailable) || e.Name != "" {
					t.Errorf("%s beside %s: %v, effect %+v; want an outage that leaves the cookie alone", step.one, step.other, err, e)
				}
				continue
			}
			if s.User() != "alice" || color.Get(s) != "red" {
				t.Errorf("%s beside %s: user %q, color %q", step.one, step.other, s.User(), color.Get(s))
			}
			visits.Update(s, increment)
			if i == 5 {
				s.Rotate()
			}
			if _, err := (&request{ctx, s, b}).end(); err != nil {
				t.Errorf("%s beside %s: %v", step.one, step.other, err)
			}
		}
		if outage != step.outage {
			t.Errorf("%s beside %s: an outage: %t, want %t", step.one, step.other, outage, step.outage)
		}
		for _, k := range kinds {
			if k == ValueCorrupt || k == UnknownToken {
				t.Errorf("%s beside %s: %v", step.one, step.other, k)
			}
		}
	}
}

// TestUnknownVersion: CVE-51. Through a copy, and in the middle of a request, an unknown version is an outage too, and nothing
// is stored over it.
func TestUnknownVersion(t *testing.T) {
	for _, stack := range stacks(t) {
		m := newManager(t, stack.store, Config{})
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		b.user() // makes a copy
		r := b.start()
		stored, err := stack.store.Load(t.Context(), b.id())
		if err != nil {
			t.Fatal(err)
		}
		strange := append([]byte{secretVersion + 7}, "unknown"...)
		stored.Secret = strange
		if err := stack.store.Save(t.Context(), stored); err != nil {
			t.Fatal(err)
		}
		color.Set(r.s, "red")
		if e, err := r.end(); !errors.Is(err, ErrUnavailable) || e.Name != "" {
			t.Errorf("%s: a save: %+v, %v", stack.name, e, err)
		}
		ctx, _ := m.Start(t.Context(), b.client, b.cookie)
		if _, err := m.From(ctx); !errors.Is(err, ErrUnavailable) || m.Close(ctx).Name != "" {
			t.Errorf("%s: a load: %v", stack.name, err)
		}
		if after, err := stack.store.Load(t.Context(), stored.ID); err != nil || !bytes.Equal(after.Secret, strange) {
			t.Errorf("%s: the record has changed: %v", stack.name, err)
		}
		if err := m.Revoke(t.Context(), "alice", stored.ID); err != nil {
			t.Errorf("%s: Revoke: %v", stack.name, err)
		}
	}
}
