package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// An outcome is what revocations have done.
type outcome struct {
	ended int
	until time.Time // until when some may still be accepted, as a cache could not be told; zero: none
}

// add counts a revocation of n sessions that returned err. A pending one is no failure.
func (o *outcome) add(n int, err error) error {
	var pending *session.PendingError
	if err != nil && !errors.As(err, &pending) {
		return err
	}
	o.ended += n
	if pending != nil && pending.EffectiveBy.After(o.until) {
		o.until = pending.EffectiveBy
	}
	return nil
}

// A partial is an error in the middle of revoking many.
type partial struct {
	error
	done outcome // what came before it
}

func (p *partial) Unwrap() error { return p.error }

// seconds is until in whole seconds since 1970, not too early; 0: none.
func (o *outcome) seconds() int64 {
	if o.until.IsZero() {
		return 0
	}
	return o.until.Add(time.Second - 1).Unix()
}

// outcomeJSON is an outcome. EffectiveBy is there if some of the sessions may still be accepted until then.
type outcomeJSON struct {
	Ended       int        `json:"ended"`
	EffectiveBy *time.Time `json:"effective_by,omitempty"`
	Next        string     `json:"next,omitempty"` // the member "after" of the next request, of a revocation that is not at its end
}

// writeOutcome answers with 200, or with 202 while some of the sessions may still be accepted.
func (v *view) writeOutcome(w http.ResponseWriter, o outcome, next session.ID) error {
	status := http.StatusOK
	if !o.until.IsZero() {
		status = http.StatusAccepted
	}
	return v.writeJSON(w, status, outcomeJSON{o.ended, optional(o.until), next.String()})
}

// done answers a revocation: in JSON, or by sending the browser to the list of f, which says what was done. That it says so by
// parameters, and not by a message in the session, costs no write, and works where the session's values cannot be read.
func (v *view) done(w http.ResponseWriter, f Filter, what string, o outcome) error {
	if v.json {
		return v.writeOutcome(w, o, session.ID{})
	}
	q := url.Values{"done": {what}, "n": {strconv.Itoa(o.ended)}}
	if !o.until.IsZero() {
		q.Set("until", strconv.FormatInt(o.seconds(), 10))
	}
	http.Redirect(w, v.r, v.listOf(f, q), http.StatusSeeOther)
	return nil
}

// maxPending is longer than any revocation is pending: a link cannot make the page say just anything.
const maxPending = time.Hour

// notice is what the page says of the last action, after done.
func (v *view) notice(p *Page) string {
	q := v.r.URL.Query()
	what := q.Get("done")
	if what != "revoked" && what != "others" {
		return ""
	}
	n, err := strconv.Atoi(q.Get("n"))
	if err != nil || n < 0 {
		return ""
	}
	text := v.language.number("notice."+what, n)
	if until, err := strconv.ParseInt(q.Get("until"), 10, 64); err == nil {
		if t := time.Unix(until, 0); time.Until(t) > 0 && time.Until(t) < maxPending {
			text += " " + v.language.text("notice.pending", "time", t.In(p.zone).Format("15:04:05 MST"))
		}
	}
	return text
}
