package pages

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// A wired store notes its calls, and fails or is late where a test wants it.
type wired struct {
	memory.Store
	mu    sync.Mutex
	calls []string
	// before may refuse a call, and after give a removal an error although it was done.
	before, after func(call string) error
}

func (w *wired) call(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, name)
	if w.before != nil {
		return w.before(name)
	}
	return nil
}

func (w *wired) done(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.after != nil {
		return w.after(name)
	}
	return nil
}

// set changes before and after; nil: as usual.
func (w *wired) set(before, after func(call string) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before, w.after = before, after
}

// taken returns the calls since it was asked last.
func (w *wired) taken() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = nil
	return calls
}

func (w *wired) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	if err := w.call("Load"); err != nil {
		return nil, err
	}
	return w.Store.Load(ctx, id)
}

func (w *wired) Create(ctx context.Context, r *store.Record) error {
	if err := w.call("Create"); err != nil {
		return err
	}
	return w.Store.Create(ctx, r)
}

func (w *wired) Save(ctx context.Context, r *store.Record) error {
	if err := w.call("Save"); err != nil {
		return err
	}
	return w.Store.Save(ctx, r)
}

func (w *wired) Delete(ctx context.Context, ids ...store.ID) error {
	if err := w.call("Delete"); err != nil {
		return err
	}
	if err := w.Store.Delete(ctx, ids...); err != nil {
		return err
	}
	return w.done("Delete")
}

func (w *wired) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) ([]store.ID, error) {
	if err := w.call("DeleteUser"); err != nil {
		return nil, err
	}
	ids, err := w.Store.DeleteUser(ctx, user, cutoff, keep...)
	if err != nil {
		return ids, err
	}
	return ids, w.done("DeleteUser")
}

func (w *wired) List(ctx context.Context, q store.Query) iter.Seq2[*store.Record, error] {
	if err := w.call("List"); err != nil {
		return func(yield func(*store.Record, error) bool) { yield(nil, err) }
	}
	return func(yield func(*store.Record, error) bool) {
		for r, err := range w.Store.List(ctx, q) {
			if err == nil {
				err = w.call("row")
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// always fails all calls.
func always(err error) func(string) error { return func(string) error { return err } }

// only fails calls of these names.
func only(err error, names ...string) func(string) error {
	return func(call string) error {
		if slices.Contains(names, call) {
			return err
		}
		return nil
	}
}

var errOut = errors.New("dial tcp 192.0.2.99:5432: connect: connection refused")

// insert stores n made-up sessions, the first one the latest, a second between them. change may be nil.
func (f *fixture) insert(t testing.TB, n int, change func(i int, r *store.Record)) []session.ID {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	ids := make([]session.ID, n)
	for i := range n {
		created := now.Add(-time.Duration(i+1) * time.Second)
		r := &store.Record{
			ID: store.NewID(created), User: "bob", CreatedAt: created, AuthenticatedAt: created, LastSeen: created,
			ExpiresAt: now.Add(time.Hour), UserAgent: "made up",
		}
		if change != nil {
			change(i, r)
		}
		if r.User == "" {
			r.AuthenticatedAt = time.Time{}
		}
		if err := f.store.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		ids[i] = r.ID
	}
	return ids
}

// change changes what is stored of a session.
func (f *fixture) change(t testing.TB, id session.ID, change func(r *store.Record)) {
	t.Helper()
	r, err := f.store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	change(r)
	if err := f.store.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// has reports whether a session is stored.
func (f *fixture) has(t testing.TB, id session.ID) bool {
	t.Helper()
	_, err := f.store.Load(t.Context(), id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// A lockedBuffer is what a log was told.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// direct asks a handler without a server.
func direct(t testing.TB, h http.Handler, method, path string) answer {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return answer{w.Code, w.Header(), w.Body.String()}
}

func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
