package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// An outcome is what revocations have done.
type outcome struct {
	ended int
	until time.Time // until when some may still be accepted, as a cache could not be told; zero: none
}

// one counts a revocation of one session that returned err.
func (o *outcome) one(err error) error {
	if err == nil || o.pending(err) {
		o.ended++
		return nil
	}
	return err
}

// some counts n sessions that a revocation ended which returned err.
func (o *outcome) some(n int, err error) error {
	o.ended += n
	if o.pending(err) {
		return nil
	}
	return err
}

// pending notes until when sessions may still be accepted, and reports whether that is all that err says.
func (o *outcome) pending(err error) bool {
	var pending *session.PendingError
	if !errors.As(err, &pending) {
		return false
	}
	if pending.EffectiveBy.After(o.until) {
		o.until = pending.EffectiveBy
	}
	return !errors.Is(err, session.ErrNotFound)
}

// A partial is an error in the middle of revoking.
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
	return v.says("notice."+what, outcome{n, parseUntil(q)}, p.zone)
}

func parseUntil(q url.Values) time.Time {
	until, _ := strconv.ParseInt(q.Get("until"), 10, 64)
	return time.Unix(until, 0)
}

// says puts an outcome into words.
func (v *view) says(key string, o outcome, zone *time.Location) string {
	return strings.TrimSpace(v.language.number(key, o.ended) + " " + v.untilWhen(o.until, zone))
}

// untilWhen says until when a session that has ended may be accepted, if that is to come.
func (v *view) untilWhen(t time.Time, zone *time.Location) string {
	if left := time.Until(t); left <= 0 || left >= maxPending {
		return ""
	}
	return v.language.text("notice.pending", "time", t.Add(time.Second-1).In(zone).Format("15:04:05 MST"))
}
