package chaos

import (
	"sync"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// A user signs in and is revoked at times. Its lock is for it and its sessions.
type user struct {
	name string

	mu       sync.Mutex
	sessions []*held
	revokes  []*revokeAll
}

// A revokeAll is one RevokeUser.
type revokeAll struct {
	began, ended time.Time // ended is zero while it runs
	failed       bool      // its outcome is unknown
	effective    time.Time // if it is pending
}

// A held session is what its client, and the judge, know of it.
type held struct {
	user  *user
	id    store.ID
	token string
	began time.Time // of its login

	writer [len(values)]sync.Mutex // the one that counts the value up
	sent   [len(values)]int        // by the writer

	acked     [len(values)][]ack
	ending    bool      // a revocation was sent, so it may be refused
	revoked   time.Time // when one returned nil
	effective time.Time // the EffectiveBy of one that is pending
}

// An ack is a value whose write was acknowledged.
type ack struct {
	value int
	at    time.Time
}

// A known is what was certain of a session when a question was asked.
type known struct {
	at      time.Time
	acked   [len(values)]int
	revoked bool
	overdue bool // EffectiveBy is over
}

// ask notes the beginning of a question. Back is by how much the cache may have been set back: then a revocation that
// returned nil is only bounded.
func (h *held) ask(back time.Duration) known {
	h.user.mu.Lock()
	defer h.user.mu.Unlock()
	k := known{at: time.Now()}
	k.revoked = !h.revoked.IsZero() && k.at.After(h.revoked.Add(back))
	k.overdue = !h.effective.IsZero() && k.at.After(h.effective.Add(back))
	for i, acks := range h.acked {
		if n := len(acks); n > 0 {
			k.acked[i] = acks[n-1].value
		}
	}
	return k
}

// stale returns for how long the values that a question got had been out of date when it was asked.
func (h *held) stale(k known, got [len(values)]int) (d time.Duration) {
	h.user.mu.Lock()
	defer h.user.mu.Unlock()
	for i, value := range got {
		for _, a := range h.acked[i] {
			if a.value > value {
				if !a.at.After(k.at) {
					d = max(d, k.at.Sub(a.at))
				}
				break // later ones were missed for less
			}
		}
	}
	return d
}

func (h *held) mayEnd() bool {
	h.user.mu.Lock()
	defer h.user.mu.Unlock()
	return h.ending
}

// end notes that a revocation is about to be sent.
func (h *held) end() {
	h.user.mu.Lock()
	defer h.user.mu.Unlock()
	h.ending = true
}

// ended notes the outcome of a revocation: it is done, or pending until effective.
func (h *held) ended(effective time.Time) {
	h.user.mu.Lock()
	defer h.user.mu.Unlock()
	h.over(time.Now(), effective)
}

// over is ended with the lock held. The first outcome of each kind counts.
func (h *held) over(at, effective time.Time) {
	h.ending = true
	switch {
	case !effective.IsZero():
		if h.effective.IsZero() || effective.Before(h.effective) {
			h.effective = effective
		}
	case h.revoked.IsZero() || at.Before(h.revoked):
		h.revoked = at
	}
}

// add takes a session that was logged in. A revocation of all that ran meanwhile may have ended it, and has if its call
// began after the login's.
func (u *user) add(h *held) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sessions = append(u.sessions, h)
	for _, r := range u.revokes {
		if r.ended.IsZero() || r.ended.After(h.began) {
			h.ending = true
			if r.began.After(h.began) && !r.ended.IsZero() && !r.failed {
				h.over(time.Now(), r.effective)
			}
		}
	}
}

func (u *user) revoke() *revokeAll {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := &revokeAll{began: time.Now()}
	u.revokes = append(u.revokes, r)
	for _, h := range u.sessions {
		h.ending = true
	}
	return r
}

func (u *user) revokedAll(r *revokeAll, effective time.Time, failed bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r.ended, r.effective, r.failed = time.Now(), effective, failed
	if failed {
		return
	}
	for _, h := range u.sessions {
		if h.began.Before(r.began) {
			h.over(r.ended, effective)
		}
	}
}
