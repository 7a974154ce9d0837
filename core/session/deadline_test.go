package session

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A deadline is a context like any other, whether somebody waits for it or only asks.
func TestDeadline(t *testing.T) {
	t.Parallel()
	type key struct{}
	for name, c := range map[string]struct {
		end  func(parent context.CancelFunc, d *deadline)
		want error
	}{
		"time":   {func(context.CancelFunc, *deadline) { time.Sleep(time.Second) }, context.DeadlineExceeded},
		"parent": {func(parent context.CancelFunc, _ *deadline) { parent() }, context.Canceled},
		"end":    {func(_ context.CancelFunc, d *deadline) { d.end() }, context.Canceled},
	} {
		for _, waits := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, 1))
				defer cancel()
				at := time.Now().Add(time.Second)
				d := &deadline{parent: parent, at: at}
				var derived context.Context
				if waits {
					var stop context.CancelFunc
					derived, stop = context.WithCancel(d)
					defer stop()
				}
				if got, ok := d.Deadline(); !ok || !got.Equal(at) || d.Err() != nil {
					t.Fatalf("%s: Deadline %v, Err %v; want %v, nil", name, got, d.Err(), at)
				}
				time.Sleep(time.Second - 1)
				if d.Err() != nil {
					t.Errorf("%s: Err = %v a moment before the end", name, d.Err())
				}
				c.end(cancel, d)
				synctest.Wait()
				if err := d.Err(); !errors.Is(err, c.want) || !errors.Is(context.Cause(d), c.want) {
					t.Errorf("%s: Err = %v, cause %v; want %v", name, err, context.Cause(d), c.want)
				}
				if waits && !errors.Is(derived.Err(), c.want) {
					t.Errorf("%s: Err of a derived context = %v, want %v", name, derived.Err(), c.want)
				}
				select {
				case <-d.Done():
				default:
					t.Errorf("%s: Done is open", name)
				}
				if d.Value(key{}) != 1 {
					t.Errorf("%s: the values of the parent are not there", name)
				}
				d.end()
			})
		}
	}
}

// The short way to a string finds what encoding/json finds.
func TestJSONStrings(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`""`, `"a"`, `"a b/<>&'"`, `"ä"`, "\"\xff\"", `"\u0041"`, `"a\"b"`, `"a"b"`, `"\\"`, `"\"`, "\"\t\"", "\"\x7f\"", `"`, ``, ` "a"`, `"a" `, `null`, `1`,
		`a"`, `"a`, `'a'`,
	} {
		got, want := "before", "before"
		err, wantErr := JSON{}.Decode([]byte(text), &got), json.Unmarshal([]byte(text), &want)
		if got != want || (err == nil) != (wantErr == nil) {
			t.Errorf("Decode(%q) = %q, %v; encoding/json has %q, %v", text, got, err, want, wantErr)
		}
	}
}
