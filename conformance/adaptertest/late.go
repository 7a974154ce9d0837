package adaptertest

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

func lateCases() []Case {
	return []Case{
		{Name: "late/saved", Needs: Flush, Why: "What is changed after the response began is saved when the handler has returned, if the client needs no new token for it.", run: func(e *env) {
			e.site(session.Config{}, late(set("late")))
			b := e.user("alice")
			a := b.want("/late", "body")
			e.silent("a late change", a)
			if !e.until(func() bool { return b.state() == "user=alice note=late" }) {
				e.Fatalf("after a late change the session holds %q, want %q", b.state(), "user=alice note=late")
			}
		}},
		{Name: "late/logout", Needs: Flush, Why: "A logout after the response began ends the session all the same.", run: func(e *env) {
			e.site(session.Config{}, late(session.Session.Logout))
			b := e.user("alice")
			b.want("/late", "body")
			if !e.until(func() bool { return len(e.stored()) == 0 }) {
				e.Fatalf("after a late logout the session is still there")
			}
		}},
		{Name: "late/token", Needs: Flush, Why: "What is changed after the response began is not stored if the client needs a new token for it, and the manager logs that.", run: func(e *env) {
			for what, f := range map[string]func(session.Session){"a visitor's first value": set("late"), "a visitor's login": login("mallory")} {
				e.log = nil
				e.site(session.Config{}, late(f))
				e.silent(what, e.browser().want("/late", "body"))
				if !e.until(func() bool { return strings.Contains(e.log.String(), "level=ERROR") }) {
					e.Fatalf("%s after the response began is lost, and nobody is told", what)
				}
				e.rows(what, 0)
			}
		}},
		{Name: "late/beside", Why: "What a goroutine changes while its request is committed is saved, or refused to it.", run: (*env).beside},
		{Name: "late/stream", Why: "What is changed while a streamed body is written is saved, or refused to whoever changes it.", run: func(e *env) {
			problem := make(chan error, 1)
			e.site(session.Config{}, with("/stream", func(x Exchange, s session.Session) error {
				return x.Stream(func(w io.Writer, flush func() error) {
					_, _ = io.WriteString(w, "one ")
					_ = flush()
					note.Set(s, "late")
					problem <- s.Err()
					_, _ = io.WriteString(w, "two")
				})
			}))
			b := e.user("alice")
			b.want("/stream", "one two")
			if err := <-problem; err != nil {
				if !errors.Is(err, session.ErrClosed) {
					e.Fatalf("a change in a streamed body is refused with %v, want ErrClosed", err)
				}
				return
			}
			if !e.until(func() bool { return b.state() == "user=alice note=late" }) {
				e.Fatalf("a change in a streamed body was accepted, and is lost")
			}
		}},
	}
}

// beside changes a session while a save of it is under way, which makes the change wait for the end of the commit.
func (e *env) beside() {
	accepted := make(chan bool, 1)
	e.site(session.Config{}, with("/beside", func(x Exchange, s session.Session) error {
		note.Set(s, "handler")
		var once sync.Once
		e.db.fail(func(_ context.Context, method string) error {
			if method == "Save" {
				once.Do(func() {
					go func() {
						count.Set(s, 1)
						accepted <- s.Err() == nil
					}()
					<-time.After(10 * time.Millisecond) // it waits for the commit by now; else this shows nothing
				})
			}
			return nil
		})
		return x.Send(200, "done")
	}))
	for range 30 {
		b := e.user("alice")
		b.want("/beside", "done")
		saved := false
		if !e.until(func() bool {
			select {
			case saved = <-accepted:
				return true
			default:
				return false
			}
		}) {
			e.Fatalf("what the handler changed was not saved")
		}
		e.effect(&e.db.Store, b.prefix+b.token, func(s session.Session) {
			if saved && count.Get(s) != 1 {
				e.Errorf("a change beside the commit was accepted, and is lost")
			}
		})
	}
}

// late is a route whose handler has sent a part of its response when it calls f.
func late(f func(session.Session)) Route {
	return with("/late", func(x Exchange, s session.Session) error {
		return x.Stream(func(w io.Writer, flush func() error) {
			_, _ = io.WriteString(w, "body")
			_ = flush()
			f(s)
		})
	})
}
