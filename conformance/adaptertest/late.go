package adaptertest

import (
	"errors"
	"io"
	"strings"

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
