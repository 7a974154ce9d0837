package nethttp

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

type flushing interface{ FlushError() error }

var errReached = errors.New("reached")

// able has all optional methods, and notes which were called.
type able struct {
	http.ResponseWriter
	called ability
}

func (a *able) Flush()            { a.called |= canFlush }
func (a *able) FlushError() error { a.Flush(); return errReached }
func (a *able) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	a.called |= canHijack
	return nil, nil, errReached
}
func (a *able) Push(string, *http.PushOptions) error { a.called |= canPush; return errReached }
func (a *able) CloseNotify() <-chan bool             { a.called |= canNotify; return make(chan bool, 1) }
func (a *able) ReadFrom(r io.Reader) (int64, error) {
	a.called |= canReadFrom
	return io.Copy(struct{ io.Writer }{a.ResponseWriter}, r)
}

// claims returns what handlers find in w by type assertions.
func claims(w http.ResponseWriter) (can ability) {
	if _, ok := w.(http.Flusher); ok {
		can |= canFlush
	}
	if _, ok := w.(http.Hijacker); ok {
		can |= canHijack
	}
	if _, ok := w.(http.Pusher); ok {
		can |= canPush
	}
	if _, ok := w.(notifying); ok {
		can |= canNotify
	}
	if _, ok := w.(io.ReaderFrom); ok {
		can |= canReadFrom
	}
	return can
}

// use calls everything that w claims, and returns what a ResponseController could do.
func use(w http.ResponseWriter) (can ability) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	if p, ok := w.(http.Pusher); ok {
		_ = p.Push("/", nil)
	}
	if n, ok := w.(notifying); ok {
		n.CloseNotify()
	}
	if f, ok := w.(io.ReaderFrom); ok {
		_, _ = f.ReadFrom(io.LimitReader(strings.NewReader(strings.Repeat("x", 2*firstBytes)), 2*firstBytes))
	}
	c := http.NewResponseController(w)
	if err := c.Flush(); !errors.Is(err, http.ErrNotSupported) {
		can |= canFlush
	}
	if _, _, err := c.Hijack(); !errors.Is(err, http.ErrNotSupported) {
		can |= canHijack
	}
	return can
}

const all = canFlush | canHijack | canPush | canNotify | canReadFrom

// TestCombine: RPT-44. For every set of optional methods there is a writer that has these, which work, and no others.
func TestCombine(t *testing.T) {
	t.Parallel()
	for can := range all + 1 {
		below := &able{ResponseWriter: httptest.NewRecorder()}
		sw, w := combine(can, writer{ResponseWriter: below, begun: true})
		if got := claims(w); got != can {
			t.Errorf("%05b: handlers find %05b", can, got)
		}
		_, flushError := w.(interface{ FlushError() error })
		if _, text := w.(io.StringWriter); !text || flushError != (can&canFlush != 0) {
			t.Errorf("%05b: WriteString is there: %t; FlushError: %t", can, text, flushError)
		}
		if w.(unwrapping).Unwrap() != http.ResponseWriter(below) {
			t.Errorf("%05b: Unwrap does not lead to the writer below", can)
		}
		if use(w); below.called&^canFlush&^canHijack != can&^canFlush&^canHijack { // a ResponseController goes on below
			t.Errorf("%05b: the writer below was asked for %05b", can, below.called)
		}
		if sw.WriteHeader(204); below.ResponseWriter.(*httptest.ResponseRecorder).Code != 204 && can&canReadFrom == 0 {
			t.Errorf("%05b: the two are not the same writer", can)
		}
	}
}

// TestAbilities: RPT-44. Handlers find what the writer below has, or what it wraps, and all of that works; nothing is claimed
// that fails.
func TestAbilities(t *testing.T) {
	t.Parallel()
	type (
		plain   struct{ http.ResponseWriter }
		wrapped struct {
			http.ResponseWriter
			unwrapping
		}
	)
	m, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	mw := New(m, Config{})
	for name, c := range map[string]struct {
		below func(*able) http.ResponseWriter
		want  ability
	}{
		"none": {func(a *able) http.ResponseWriter { return plain{a} }, 0},
		"all":  {func(a *able) http.ResponseWriter { return a }, all},
		"flush": {func(a *able) http.ResponseWriter {
			return struct {
				http.ResponseWriter
				http.Flusher
			}{a, a}
		}, canFlush},
		"flush, with an error": {func(a *able) http.ResponseWriter {
			return struct {
				http.ResponseWriter
				flushing
			}{a, a}
		}, canFlush},
		"hijack": {func(a *able) http.ResponseWriter {
			return struct {
				http.ResponseWriter
				http.Hijacker
			}{a, a}
		}, canHijack},
		"push": {func(a *able) http.ResponseWriter {
			return struct {
				http.ResponseWriter
				http.Pusher
			}{a, a}
		}, canPush},
		"notify": {func(a *able) http.ResponseWriter {
			return struct {
				http.ResponseWriter
				notifying
			}{a, a}
		}, canNotify},
		"read from": {func(a *able) http.ResponseWriter {
			return struct {
				http.ResponseWriter
				io.ReaderFrom
			}{a, a}
		}, canReadFrom},
		"behind Unwrap":          {func(a *able) http.ResponseWriter { return wrapped{a, unwraps{a}} }, all &^ canReadFrom},
		"behind two":             {func(a *able) http.ResponseWriter { return wrapped{a, unwraps{wrapped{a, unwraps{a}}}} }, all &^ canReadFrom},
		"behind Unwrap, nothing": {func(a *able) http.ResponseWriter { return wrapped{a, unwraps{plain{a}}} }, 0},
		"behind Unwrap, nil":     {func(a *able) http.ResponseWriter { return wrapped{a, unwraps{}} }, 0},
		"middleware": {func(a *able) http.ResponseWriter {
			_, w := combine(all, writer{ResponseWriter: a, begun: true})
			return w
		}, all},
	} {
		a := &able{ResponseWriter: httptest.NewRecorder()}
		mw.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if got := claims(w); got != c.want {
				t.Errorf("%s: handlers find %05b, want %05b", name, got, c.want)
			}
			if got, want := use(w), c.want&(canFlush|canHijack); got != want {
				t.Errorf("%s: a ResponseController can do %05b, want %05b", name, got, want)
			}
		})).ServeHTTP(c.below(a), httptest.NewRequest("GET", "/", nil))
		if a.called != c.want {
			t.Errorf("%s: %05b was called below, want %05b", name, a.called, c.want)
		}
	}
}

// unwraps has nothing but Unwrap.
type unwraps struct{ w http.ResponseWriter }

func (u unwraps) Unwrap() http.ResponseWriter { return u.w }
