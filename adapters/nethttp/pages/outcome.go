package pages

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// An outcome is what revocations have done.
type outcome struct {
	ended int
	until time.Time // until when some may still be accepted, as a cache could not be told; zero: none

	// Of the only one that has ended, where a person is told.
	device, user string
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
	More        bool       `json:"more,omitempty"` // there are more that the filter selects: the revocation is not at its end
	Next        string     `json:"next,omitempty"` // the member "after" of the next request, if there are
}

// writeOutcome answers with 200, or with 202 while some of the sessions may still be accepted.
func (v *view) writeOutcome(w http.ResponseWriter, o outcome, next session.ID) error {
	status := http.StatusOK
	if !o.until.IsZero() {
		status = http.StatusAccepted
	}
	return v.writeJSON(w, status, outcomeJSON{o.ended, optional(o.until), !next.IsZero(), next.String()})
}

// done answers a revocation: in JSON, or by sending the browser to a list below the mount, with a notice.
func (v *view) done(w http.ResponseWriter, list, key string, o outcome) error {
	if v.json {
		return v.writeOutcome(w, o, session.ID{})
	}
	f := flash{Session: v.session.ID().String(), Key: key, Ended: o.ended, Until: o.seconds()}
	if o.ended == 1 {
		f.Device, f.User = clip(o.device), clip(o.user)
	}
	v.setFlash(w, f, flashAge)
	redirect(w, list, http.StatusSeeOther)
	return nil
}

// clip cuts a text that would make the cookie too long.
func clip(s string) string {
	if len(s) <= maxDevice {
		return s
	}
	return strings.ToValidUTF8(s[:maxDevice], "") + "…"
}

// maxPending is longer than any revocation is pending.
const maxPending = time.Hour

// says puts an outcome into words.
func (v *view) says(key string, o outcome, zone *time.Location) string {
	text := v.language.number(key, o.ended)
	switch {
	case o.ended == 1 && o.device != "" && o.user != "":
		text = v.language.text("notice.device-of", "device", o.device, "user", o.user)
	case o.ended == 1 && o.device != "":
		text = v.language.text("notice.device", "device", o.device)
	}
	return strings.TrimSpace(text + " " + v.untilWhen(o.until, zone))
}

// untilWhen says until when a session that has ended may be accepted, if that is to come.
func (v *view) untilWhen(t time.Time, zone *time.Location) string {
	if left := time.Until(t); left <= 0 || left >= maxPending {
		return ""
	}
	return v.language.text("notice.pending", "time", t.Add(time.Second-1).In(zone).Format("15:04:05 MST"))
}
