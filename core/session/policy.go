package session

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// A Policy is how long sessions live. The zero value of each field stands for its default. The two limits, Idle and
// Lifetime, are always on (ASVS 5.0 7.3.1 and 7.3.2); whichever passes first ends the session, on the server, whatever
// the cookie says.
//
// A policy binds sessions that exist: if it has become stricter than the one under which a session was stored, the stricter
// limit counts from the next request on, and is then stored. A policy that has become more generous prolongs no session
// before its next login or re-authentication. [Limits] and Expire are the application's word for one session: they
// are bound by the longest lifetime of today's policy. Managers that share sessions should have one policy; else the
// strictest of those that a session meets counts.
//
// Lists go by what is stored, and by the longest lifetime of today's policy. A session that a stricter policy has ended, and
// that has not been used since, stays in them until the end that it was stored with, and a sweep removes it after that:
// they show one too many rather than one too few. [Manager.Inspect] knows the end by today's policy.
type Policy struct {
	// Idle is how long a session lives without a request that uses it; default 30 minutes, or Lifetime if that is less. It
	// is exact to TouchEvery: a session may end that much earlier, and never later.
	Idle time.Duration
	// Lifetime is how long a session lives after the last authentication, or, if anonymous, after its creation; default
	// 12 hours.
	Lifetime time.Duration

	// RememberIdle and RememberLifetime are Idle and Lifetime of sessions whose login had [Remember]; default 30 days
	// both.
	RememberIdle, RememberLifetime time.Duration

	// AnonymousIdle and AnonymousLifetime are Idle and Lifetime of sessions in which no user has signed in: carts, flash
	// messages, the state of a sign-in. Anyone may begin those, so that they end sooner: the defaults are 15 minutes, or Idle
	// if that is less, and Lifetime.
	AnonymousIdle, AnonymousLifetime time.Duration
	// AnonymousPersist makes the cookie of an anonymous session outlive the browser. It ends with the session.
	AnonymousPersist bool

	// TouchEvery is how often "last seen" is written for a session that is only read; default 1 minute, and at most a
	// quarter of the session's idle time. Behind a cache it should be at most half of cacheddb's Freshness: a touch then
	// renews the copy before it ends.
	TouchEvery time.Duration

	// RotateEvery is the age at which a token is replaced during an ordinary request, so that a stolen one is noticed;
	// default: never. Login, Reauthenticate and Rotate replace it in any case. It is at least four times Grace. A client that
	// goes on with its old token while two new ones have gone out, in the third period of its own use, is signed out
	// ([TokenWorn]); it takes two lost responses in a row to do that to an honest one.
	RotateEvery time.Duration
	// Grace is how long the old token is accepted after such a periodic replacement, counted from the moment the new one
	// is first presented, for parallel requests and slow ones; default 60 seconds. It never applies to a token that
	// was replaced by a login, a rotation or a revocation. The clocks of nodes may differ by less than Grace.
	Grace time.Duration
	// EndOnReplay ends a session when a token is presented that a periodic replacement has ended ([TokenReplayed]), 5 minutes
	// or more after its successor was first presented: one of two holders is a thief, and neither stays in. A browser
	// that was killed may come back with the cookies of half a minute before, and is signed out by it too. The default
	// reports the replay. It needs RotateEvery.
	EndOnReplay bool
}

// maxDuration keeps every time far from the ends of what databases and time.Duration can hold.
const maxDuration = 10 * 365 * 24 * time.Hour

// NISTAAL1 is the session limit of NIST SP 800-63B-4 (2025), section 2.1.3: 30 days in all. That edition asks for no
// idle timeout at this level; here it is the same 30 days.
func NISTAAL1() Policy { return preset(30*24*time.Hour, 30*24*time.Hour) }

// NISTAAL2 is the session limit of NIST SP 800-63B-4 (2025), section 2.2.3: 24 hours in all, 1 hour idle. (The 2017
// edition had 12 hours and 30 minutes: those are this package's defaults.)
func NISTAAL2() Policy { return preset(time.Hour, 24*time.Hour) }

// NISTAAL3 is the session limit of NIST SP 800-63B-4 (2025), section 2.3.3: 12 hours in all, 15 minutes idle.
func NISTAAL3() Policy { return preset(15*time.Minute, 12*time.Hour) }

// preset also limits remembered sessions: a level allows nobody more.
func preset(idle, lifetime time.Duration) Policy {
	return Policy{Idle: idle, Lifetime: lifetime, RememberIdle: idle, RememberLifetime: lifetime}
}

func (p Policy) withDefaults() (Policy, error) {
	for _, f := range []struct {
		name string
		d    *time.Duration
		def  time.Duration
	}{
		{"Lifetime", &p.Lifetime, 12 * time.Hour},
		{"Idle", &p.Idle, 30 * time.Minute},
		{"RememberLifetime", &p.RememberLifetime, 30 * 24 * time.Hour},
		{"RememberIdle", &p.RememberIdle, 30 * 24 * time.Hour},
		{"TouchEvery", &p.TouchEvery, time.Minute},
		{"RotateEvery", &p.RotateEvery, 0},
		{"Grace", &p.Grace, time.Minute},
		{"AnonymousLifetime", &p.AnonymousLifetime, cmp.Or(p.Lifetime, 12*time.Hour)},
		{"AnonymousIdle", &p.AnonymousIdle, min(15*time.Minute, cmp.Or(p.Idle, 30*time.Minute))},
	} {
		if *f.d < 0 || *f.d > maxDuration {
			return p, fmt.Errorf("session: Config.Policy.%s is %v, not between 0 and %v", f.name, *f.d, maxDuration)
		}
		if *f.d == 0 {
			*f.d = f.def
			switch f.d {
			case &p.Idle:
				p.Idle = min(p.Idle, p.Lifetime)
			case &p.RememberIdle:
				p.RememberIdle = min(p.RememberIdle, p.RememberLifetime)
			case &p.AnonymousIdle:
				p.AnonymousIdle = min(p.AnonymousIdle, p.AnonymousLifetime)
			}
		}
	}
	switch {
	case p.Idle < time.Second || p.RememberIdle < time.Second || p.AnonymousIdle < time.Second:
		return p, errors.New("session: Config.Policy.Idle, RememberIdle and AnonymousIdle must be at least a second")
	case p.Idle > p.Lifetime:
		return p, fmt.Errorf("session: Config.Policy.Idle, %v, is longer than Lifetime, %v", p.Idle, p.Lifetime)
	case p.RememberIdle > p.RememberLifetime:
		return p, fmt.Errorf("session: Config.Policy.RememberIdle, %v, is longer than RememberLifetime, %v", p.RememberIdle, p.RememberLifetime)
	case p.AnonymousIdle > p.AnonymousLifetime:
		return p, fmt.Errorf("session: Config.Policy.AnonymousIdle, %v, is longer than AnonymousLifetime, %v", p.AnonymousIdle, p.AnonymousLifetime)
	case p.EndOnReplay && p.RotateEvery == 0:
		return p, errors.New("session: Config.Policy.EndOnReplay needs RotateEvery: without it no token is replaced periodically")
	case p.RotateEvery > 0 && p.RotateEvery < 4*p.Grace:
		return p, fmt.Errorf("session: Config.Policy.RotateEvery, %v, is less than four times Grace, %v", p.RotateEvery, p.Grace)
	}
	p.TouchEvery = min(p.TouchEvery, p.Idle/4)
	return p, nil
}

// longest is the longest lifetime that a session may have.
func (p *Policy) longest() time.Duration {
	return max(p.Lifetime, p.RememberLifetime, p.AnonymousLifetime)
}

// touchEvery is the throttle for a session of the given idle time.
func (p *Policy) touchEvery(idle time.Duration) time.Duration { return min(p.TouchEvery, idle/4) }
