package pages

import (
	"context"
	"iter"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// A stuckList has lists that never come.
type stuckList struct{ memory.Store }

func (*stuckList) List(ctx context.Context, _ store.Query) iter.Seq2[*store.Record, error] {
	return func(yield func(*store.Record, error) bool) {
		<-ctx.Done()
		yield(nil, ctx.Err())
	}
}

// TestSlowList: BAD-51. A list that a database does not come to the end of is an error page, and keeps nobody waiting.
func TestSlowList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, options{store: new(stuckList), bubble: true})
		b := f.browser(t, "one")
		b.signIn("olga")
		for _, path := range []string{
			accountPath, accountPath + "api/", "/admin/sessions/", "/admin/sessions/?text=a", "/admin/sessions/?state=expired&ip=10.0.0.0/8", "/admin/sessions/charts",
		} {
			begun := time.Now()
			if a := b.get(path); a.status != http.StatusServiceUnavailable || time.Since(begun) != listTime {
				t.Errorf("%s: %d after %v, want 503 after %v", path, a.status, time.Since(begun), listTime)
			}
		}
		if b.user() != "olga" {
			t.Error("the browser is signed out")
		}
	})
}
