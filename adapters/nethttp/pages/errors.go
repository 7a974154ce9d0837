package pages

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// A problem is an error that a client is told, also as JSON (RFC 9457). Its texts are the keys error.NAME.title and
// error.NAME.text.
type problem struct {
	name   string
	status int
	detail string // for programmers, in English: which parameter is wrong, and how

	// Of a field of a form: its name, and the key of the text at it, with its placeholders.
	field, key string
	pairs      []string
}

func (p *problem) Error() string { return "pages: " + p.name + ": " + p.detail }

var (
	errNoPage      = &problem{name: "not-found", status: http.StatusNotFound, detail: "there is no such page"}
	errMethod      = &problem{name: "method", status: http.StatusMethodNotAllowed, detail: "the method is not allowed here"}
	errForbidden   = &problem{name: "forbidden", status: http.StatusForbidden, detail: "the user is no operator"}
	errCrossOrigin = &problem{name: "cross-origin", status: http.StatusForbidden, detail: "the request comes from another origin"}
)

// bad is a request that makes no sense.
func bad(detail string) error {
	return &problem{name: "bad-request", status: http.StatusBadRequest, detail: detail}
}

// badField is a field of a form that makes no sense.
func badField(field, detail, key string, pairs ...string) error {
	return &problem{name: "bad-request", status: http.StatusBadRequest, detail: detail, field: field, key: key, pairs: pairs}
}

// describe finds out what a client is told of err. It says nothing of why a store could not be asked.
func describe(err error) *problem {
	var p *problem
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &tooLarge), errors.Is(err, session.ErrTooLarge):
		return &problem{name: "too-large", status: http.StatusRequestEntityTooLarge, detail: "the request is too large"}
	case errors.Is(err, session.ErrUnauthenticated), errors.Is(err, session.ErrRevoked):
		return &problem{name: "signed-out", status: http.StatusUnauthorized, detail: "no user is signed in"}
	case errors.Is(err, session.ErrReplaced):
		return &problem{name: "replaced", status: http.StatusConflict, detail: "another request has given the session a newer token: try again with that"}
	case errors.Is(err, session.ErrStale):
		return &problem{name: "stale", status: http.StatusForbidden, detail: "a more recent sign-in is needed"}
	case errors.Is(err, session.ErrNotFound):
		return &problem{name: "not-found", status: http.StatusNotFound, detail: "there is no such session"}
	case errors.Is(err, session.ErrUnavailable), errors.Is(err, context.Canceled):
		return &problem{name: "unavailable", status: http.StatusServiceUnavailable, detail: "sessions cannot be asked for now"}
	case errors.Is(err, errors.ErrUnsupported):
		return &problem{name: "unsupported", status: http.StatusNotImplemented, detail: "the store cannot list sessions"}
	}
	return &problem{name: "internal", status: http.StatusInternalServerError, detail: "something went wrong"}
}

// fail answers a request with err.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := describe(err)
	if p.status >= 500 && !errors.Is(err, context.Canceled) {
		s.config.Logger.LogAttrs(r.Context(), slog.LevelError, "pages: a request failed",
			slog.String("method", r.Method), slog.String("pattern", r.Pattern), slog.Any("error", err)) // the path could hold anything
	}
	w.Header().Set("Cache-Control", "no-store")
	if p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	v := s.newView(r, nil)
	var part *partial
	errors.As(err, &part)
	if v.json {
		v.writeProblem(w, p, part)
		return
	}
	page := v.page("error."+p.name+".title", nil)
	page.Text = v.language.text(s.explain(r, p))
	if p.field != "" {
		page.Text = v.language.text(p.key, p.pairs...) + " " + v.language.text("error.unchanged")
	}
	if v.home == "" { // only the developer sees this
		page.Text = p.detail
	}
	if s.config.SignIn != nil && (p.name == "signed-out" || p.name == "stale") {
		page.SignIn = s.config.SignIn(s.back(r))
	}
	switch p.name {
	case "signed-out", "stale", "forbidden", "cross-origin":
	default:
		page.Back = page.List()
	}
	if part != nil && (part.done.ended > 0 || !part.done.until.IsZero()) {
		page.Notice = v.says("notice.revoked", part.done, page.zone)
	}
	if err := v.render(w, p.status, "error.html", page); err != nil {
		s.config.Logger.LogAttrs(r.Context(), slog.LevelError, "pages: a template failed", slog.Any("error", err))
		http.Error(w, http.StatusText(p.status), p.status)
	}
}

// explain returns the key of the text about p. The text says why a reader is not signed in, as far as that is known.
func (s *site) explain(r *http.Request, p *problem) string {
	if p.name != "signed-out" {
		return "error." + p.name + ".text"
	}
	switch why, known := s.sessions.Refused(r.Context()); {
	case !known:
		return "error.signed-out.text"
	case why == session.Expired:
		return "error.signed-out.expired"
	}
	return "error.signed-out.ended"
}

// problemJSON is a problem details object (RFC 9457). Type tells problems apart. Title is in English, as clients have their
// own words for people. There is no instance: nothing could be found at its address.
type problemJSON struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`

	// What was done before the problem came up, in a revocation of many.
	Ended       int        `json:"ended,omitempty"`
	EffectiveBy *time.Time `json:"effective_by,omitempty"`
}

// problemTypes is where the types of problems are described, each below its name.
const problemTypes = "https://github.com/qsessions/qsessions/blob/main/adapters/nethttp/pages/problems.md#"

func (v *view) writeProblem(w http.ResponseWriter, p *problem, part *partial) {
	j := problemJSON{Type: problemTypes + p.name, Title: v.english.text("error." + p.name + ".title"), Status: p.status, Detail: p.detail}
	if part != nil {
		j.Ended, j.EffectiveBy = part.done.ended, optional(part.done.until)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	vary(w)
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(j)
}
