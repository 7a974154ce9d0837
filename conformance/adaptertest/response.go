package adaptertest

import (
	"io"
	"net/http"

	"github.com/qsessions/qsessions/core/session"
)

// A way is one in which handlers answer.
type way struct {
	name, method string
	status       int
	body         string // "*" is any
	needs        Feature
	answer       func(Exchange) error
}

// ways returns all of them.
func ways() []way {
	return []way{
		{name: "body", method: "GET", status: 200, body: "body", answer: func(x Exchange) error { return x.Send(200, "body") }},
		{name: "empty", method: "GET", status: 200, answer: func(Exchange) error { return nil }},
		{name: "post", method: "POST", status: 201, body: "made", answer: func(x Exchange) error { return x.Send(201, "made") }},
		{name: "no-content", method: "GET", status: 204, answer: func(x Exchange) error { return x.Send(204, "") }},
		{name: "not-modified", method: "GET", status: 304, answer: func(x Exchange) error {
			x.SetHeader("Etag", `"v1"`)
			return x.Send(304, "")
		}},
		{name: "redirect", method: "GET", status: 303, body: "*", answer: func(x Exchange) error { return x.Redirect(303, "/get") }},
		{name: "not-found", method: "GET", status: 404, body: "gone", answer: func(x Exchange) error { return x.Send(404, "gone") }},
		{name: "error-handler", method: "GET", status: 404, body: "*", answer: func(x Exchange) error { return x.Fail(404) }},
		{name: "head", method: "HEAD", status: 200, answer: func(x Exchange) error { return x.Send(200, "body") }},
		{name: "options", method: "OPTIONS", status: 204, answer: func(x Exchange) error {
			x.SetHeader("Allow", "GET")
			return x.Send(204, "")
		}},
		{name: "stream", method: "GET", status: 200, body: "one two", answer: func(x Exchange) error {
			return x.Stream(func(w io.Writer, flush func() error) {
				_, _ = io.WriteString(w, "one ")
				_ = flush()
				_, _ = io.WriteString(w, "two")
			})
		}},
		{name: "flush-first", method: "GET", status: 200, body: "body", answer: func(x Exchange) error {
			return x.Stream(func(w io.Writer, flush func() error) {
				_ = flush()
				_, _ = io.WriteString(w, "body")
			})
		}},
		{name: "early-hints", method: "GET", status: 200, body: "body", needs: EarlyHints, answer: func(x Exchange) error {
			if err := x.(EarlyHinter).EarlyHints("</style.css>; rel=preload"); err != nil {
				return err
			}
			return x.Send(200, "body")
		}},
	}
}

// routes are three on which a handler answers in the same way: it does not look at its session, it does, it changes it.
func (w way) routes() []Route {
	return []Route{
		on("/way/unseen", w.answer),
		with("/way/seen", func(x Exchange, _ session.Session) error { return w.answer(x) }),
		with("/way/new", func(x Exchange, s session.Session) error { note.Set(s, "kept"); return w.answer(x) }),
	}
}

func responseCases() []Case {
	var cases []Case
	for _, w := range ways() {
		cases = append(cases, Case{
			Name: "response/" + w.name, Needs: w.needs, Why: sentences[w.name],
			run: func(e *env) { e.responds(w) },
		})
	}
	return cases
}

// sentences are those of the cases of responses, which all say the same.
var sentences = map[string]string{
	"body":          "What a handler set is stored before its response begins, and the token goes with it, once: here with a plain body.",
	"empty":         "A handler that answers nothing has answered: what it set is stored, and the token is sent.",
	"post":          "What a request other than GET sets is stored and told as any other.",
	"no-content":    "A response without a body has the token like any other: here 204.",
	"not-modified":  "A response without a body has the token like any other: here 304.",
	"redirect":      "A redirect has the token: after most logins there is one.",
	"not-found":     "A status of 4xx is a response like any other: what was set is stored, and the token is sent.",
	"error-handler": "A status of 4xx is one like any other, also if the framework's error handler makes the response.",
	"head":          "The response to HEAD has the same header as that to GET.",
	"options":       "OPTIONS is a method like any other.",
	"stream":        "A streamed response has the token in its header, as what the handler set is stored before the body begins.",
	"flush-first":   "A response that begins with a flush has the token in its header.",
	"early-hints":   "An informational response commits nothing and has no token: the final one has it, once.",
}

// responds tries a way of answering on the three routes.
func (e *env) responds(w way) {
	e.site(session.Config{}, w.routes()...)
	for _, path := range []string{"/way/unseen", "/way/seen"} {
		a := e.do(w.method, path)
		e.way(w, path, a)
		e.silent(w.method+" "+path, a)
	}
	e.rows("nothing was set", 0)
	b := e.browser()
	a := b.do(w.method, "/way/new")
	e.way(w, "/way/new", a)
	e.once(w.method+" /way/new", a)
	if got := b.state(); got != "user= note=kept" {
		e.Fatalf("%s /way/new: the token opens a session with %q, want %q", w.method, got, "user= note=kept")
	}
	e.rows("one was set", 1)
	e.silent("again", b.do(w.method, "/way/new"))
}

// way ends the case unless a is as the handler wants it.
func (e *env) way(w way, path string, a *answer) {
	if a.status != w.status || w.body != "*" && a.body != w.body {
		e.Fatalf("%s %s: got %d %.200q, want %d %q", w.method, path, a.status, a.body, w.status, w.body)
	}
	if w.status == http.StatusSeeOther && a.header.Get("Location") != "/get" {
		e.Fatalf("%s %s: Location is %q, want /get", w.method, path, a.header.Get("Location"))
	}
	if w.needs&EarlyHints == 0 {
		return
	}
	if len(a.hints) != 1 {
		e.Fatalf("%s %s: %d informational responses, want 1", w.method, path, len(a.hints))
	}
	if h := a.hints[0]; h.Get("Link") == "" || h["Set-Cookie"] != nil {
		e.Fatalf("%s %s: the informational response has %v", w.method, path, masked(h["Set-Cookie"]))
	}
}
