package adaptertest

import (
	"bytes"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

func commitCases() []Case {
	return []Case{
		{Name: "commit/page", Why: "A commit that fails is answered by the error page, with nothing of what the handler wrote.", run: func(e *env) {
			e.refuses(500, func(x Exchange, s session.Session) error {
				wrong.Set(s, nil)
				return x.Send(200, bodyText)
			})
		}},
		{Name: "commit/header", Why: "The error page has no header that describes the handler's response.", run: func(e *env) {
			a := e.refuses(500, func(x Exchange, s session.Session) error {
				wrong.Set(s, nil)
				for _, name := range ofBody {
					x.SetHeader(name, "x")
				}
				x.SetHeader("Cache-Control", "public, max-age=600")
				x.SetHeader("Content-Type", "image/png")
				return x.Send(200, bodyText)
			})
			for _, name := range ofBody {
				if got := a.field(name); got != "" {
					e.Fatalf("the error page has %s: %q", name, got)
				}
			}
			if got := a.field("Content-Type"); got == "image/png" {
				e.Fatalf("the error page has the Content-Type of the handler's body")
			}
		}},
		{Name: "commit/redirect", Why: "A commit that fails leads nowhere: the redirect is not sent.", run: func(e *env) {
			a := e.refuses(500, func(x Exchange, s session.Session) error {
				wrong.Set(s, nil)
				return x.Redirect(303, "/get")
			})
			if got := a.field("Location"); got != "" {
				e.Fatalf("the error page has Location: %q", got)
			}
		}},
		{Name: "commit/empty", Why: "A commit that fails after a handler that answers nothing is answered by the error page.", run: func(e *env) {
			e.refuses(500, func(_ Exchange, s session.Session) error { wrong.Set(s, nil); return nil })
		}},
		{Name: "commit/stream", Why: "A commit that fails is answered by the error page, with nothing of the stream.", run: func(e *env) {
			e.refuses(500, func(x Exchange, s session.Session) error {
				wrong.Set(s, nil)
				return x.Stream(func(w io.Writer, flush func() error) {
					_ = flush()
					_, _ = io.WriteString(w, bodyText)
					_ = flush()
				})
			})
		}},
		{Name: "commit/hijack", Needs: Hijack, Why: "The session is committed before a handler gets the connection, and if that fails it gets none.", run: func(e *env) {
			saved := make(chan bool, 1)
			raw := func(conn net.Conn) {
				saved <- e.stores("kept")
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nraw")
			}
			e.site(session.Config{}, with("/hijack", func(x Exchange, s session.Session) error {
				note.Set(s, "kept")
				if x.Query("out") != "" {
					e.db.fail(out)
				}
				return x.(Hijacker).Hijack(raw)
			}))
			b := e.holder(set("before"))
			e.answered("a connection that was taken", b.get("/hijack"), 200, "raw")
			if !<-saved {
				e.Fatalf("when the connection was taken the store had not what the handler set")
			}
			if a := b.get("/hijack?out=1"); a.status == 200 || len(saved) != 0 {
				e.Fatalf("a commit that fails: the handler got the connection, and the client %d %q", a.status, a.body)
			}
		}},
		{Name: "commit/statuses", Why: "The error page tells why by its status: 401 for ErrRevoked, 409 for ErrTooMany, 413 for ErrTooLarge, 503 for ErrUnavailable.", run: (*env).statuses},
		{Name: "commit/saved", Why: "If a commit fails, the token of what Session.Save has stored before is sent with the error page.", run: func(e *env) {
			e.site(session.Config{}, with("/saved", func(x Exchange, s session.Session) error {
				note.Set(s, "saved")
				if err := s.Save(x.Context()); err != nil {
					return err
				}
				wrong.Set(s, nil)
				return x.Send(200, bodyText)
			}))
			b := e.browser()
			a := b.get("/saved")
			if a.status != 500 {
				e.Fatalf("Save, then a commit that fails: got %d, want 500", a.status)
			}
			e.once("Save, then a commit that fails", a)
			b.want("/get", "user= note=saved")
		}},
		{Name: "commit/before-stream", Why: "What a handler set is in the store before the first byte of a streamed body is sent.", run: func(e *env) {
			seen := make(chan bool)
			e.site(session.Config{}, with("/stream", func(x Exchange, s session.Session) error {
				note.Set(s, "kept")
				return x.Stream(func(w io.Writer, flush func() error) {
					_, _ = io.WriteString(w, "str")
					_ = flush()
					e.soon(seen)
					_, _ = io.WriteString(w, "eam")
				})
			}))
			a, err := e.tryAt(request{method: "GET", path: "/stream"}, func() {
				defer close(seen)
				if !e.stores("kept") {
					e.Errorf("when the body began the store had not what the handler set")
				}
			})
			e.ok("a stream", err)
			e.answered("a stream", a, 200, "stream")
		}},
	}
}

// bodyText is what a handler writes and nobody may get.
const bodyText = "the body of a handler whose changes were not stored"

// ofBody describe a response that is not sent.
var ofBody = []string{"Content-Disposition", "Content-Encoding", "Content-Language", "Etag", "Last-Modified", "Location", "Refresh", "Clear-Site-Data", "Expires",
	"Accept-Ranges", "Content-Location", "Content-Range"}

// refuses ends the case unless the commit of what f does is answered with the error page.
func (e *env) refuses(status int, f func(Exchange, session.Session) error) *answer {
	e.site(session.Config{}, with("/refused", f))
	a := e.do("GET", "/refused")
	if a.status != status {
		e.Fatalf("a commit that fails: got %d %.100q, want %d", a.status, a.body, status)
	}
	e.silent("a commit that fails", a)
	e.hides("a commit that fails", a, bodyText)
	e.rows("a commit that fails", 0)
	return a
}

// statuses makes commits fail for each reason.
func (e *env) statuses() {
	e.site(session.Config{PerUser: session.Limit{Max: 1, Refuse: true}},
		with("/revoked", func(x Exchange, s session.Session) error {
			note.Set(s, "lost")
			if _, err := e.m.RevokeUser(e.ctx, "alice"); err != nil { // by another request
				return err
			}
			return x.Send(200, bodyText)
		}),
		with("/large", func(x Exchange, s session.Session) error {
			note.Set(s, strings.Repeat("x", 1<<17))
			return x.Send(200, bodyText)
		}),
		with("/out", func(x Exchange, s session.Session) error {
			note.Set(s, "lost")
			e.db.fail(out)
			return x.Send(200, bodyText)
		}))
	for _, c := range []struct {
		path   string
		status int
	}{{"/large", 413}, {"/out", 503}, {"/revoked", 401}} {
		b := e.holder(login("alice"))
		a := b.get(c.path)
		e.db.fail(nil)
		if a.status != c.status {
			e.Fatalf("%s: got %d, want %d", c.path, a.status, c.status)
		}
		e.hides(c.path, a, bodyText)
		e.silent(c.path, a)
		_, err := e.m.RevokeUser(e.ctx, "alice")
		e.ok("RevokeUser", err)
	}
	e.holder(login("bob"))
	a := e.do("GET", "/login?user=bob")
	if a.status != 409 {
		e.Fatalf("one login too many: got %d, want 409", a.status)
	}
	e.silent("one login too many", a)
}

// stores reports whether a stored session holds the text. Handlers may call it.
func (e *env) stores(text string) bool {
	all, err := e.db.records(e.ctx)
	if err != nil {
		e.Errorf("List: %v", err)
	}
	return slices.ContainsFunc(all, func(r *store.Record) bool { return bytes.Contains(r.Data, []byte(text)) })
}
