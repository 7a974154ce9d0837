package session

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestPolicy: SEC-1. Policy shows what is in force: the defaults, the presets with the figures of NIST SP 800-63B-4
// (2025), and the throttle of touches that follows from a short idle time.
func TestPolicy(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, test := range []struct {
		name    string
		p, want Policy
	}{
		{"default", Policy{}, Policy{Idle: 30 * time.Minute, Lifetime: 12 * time.Hour, RememberIdle: 30 * day, RememberLifetime: 30 * day, TouchEvery: time.Minute, Grace: time.Minute, AnonymousIdle: 15 * time.Minute, AnonymousLifetime: 12 * time.Hour}},
		{"NISTAAL1", NISTAAL1(), Policy{Idle: 30 * day, Lifetime: 30 * day, RememberIdle: 30 * day, RememberLifetime: 30 * day, TouchEvery: time.Minute, Grace: time.Minute, AnonymousIdle: 15 * time.Minute, AnonymousLifetime: 30 * day}},
		{"NISTAAL2", NISTAAL2(), Policy{Idle: time.Hour, Lifetime: 24 * time.Hour, RememberIdle: time.Hour, RememberLifetime: 24 * time.Hour, TouchEvery: time.Minute, Grace: time.Minute, AnonymousIdle: 15 * time.Minute, AnonymousLifetime: 24 * time.Hour}},
		{"NISTAAL3", NISTAAL3(), Policy{Idle: 15 * time.Minute, Lifetime: 12 * time.Hour, RememberIdle: 15 * time.Minute, RememberLifetime: 12 * time.Hour, TouchEvery: time.Minute, Grace: time.Minute, AnonymousIdle: 15 * time.Minute, AnonymousLifetime: 12 * time.Hour}},
		{"short", Policy{Idle: 2 * time.Minute, RotateEvery: time.Hour}, Policy{Idle: 2 * time.Minute, Lifetime: 12 * time.Hour, RememberIdle: 30 * day, RememberLifetime: 30 * day, TouchEvery: 30 * time.Second, RotateEvery: time.Hour, Grace: time.Minute, AnonymousIdle: 2 * time.Minute, AnonymousLifetime: 12 * time.Hour}},
		{"longest", Policy{Idle: maxDuration, Lifetime: maxDuration, RememberIdle: maxDuration, RememberLifetime: maxDuration}, Policy{Idle: 87600 * time.Hour, Lifetime: 87600 * time.Hour, RememberIdle: 87600 * time.Hour, RememberLifetime: 87600 * time.Hour, TouchEvery: time.Minute, Grace: time.Minute, AnonymousIdle: 15 * time.Minute, AnonymousLifetime: 87600 * time.Hour}},
	} {
		if got := manager(t, new(spy), Config{Policy: test.p}).Policy(); got != test.want {
			t.Errorf("%s: got %+v\nwant %+v", test.name, got, test.want)
		}
	}
}

// TestLongestLifetime: BAD-60, BAD-61. Under the longest policy every time of a session has a year of four digits, and
// all of it can be written as JSON.
func TestLongestLifetime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := new(spy)
		p := Policy{Idle: maxDuration, Lifetime: maxDuration, RememberIdle: maxDuration, RememberLifetime: maxDuration}
		v := visitor{t: t, m: manager(t, st, Config{Policy: p})}
		e := v.do(func(s Session) { s.Login("alice", Remember()) })
		if want := "; Max-Age=34560000;"; !strings.Contains(e.Value, want) {
			t.Errorf("the cookie has no %s", want)
		}
		v.do(func(s Session) {
			i := s.Info()
			if want := time.Now().Add(maxDuration); !i.Deadline.Equal(want) || !i.ExpiresAt.Equal(want) {
				t.Errorf("deadline %v, expiry %v, want both %v", i.Deadline, i.ExpiresAt, want)
			}
			if _, err := json.Marshal(i); err != nil {
				t.Error(err)
			}
		})
	})
}

// TestExpireBounds: BAD-60. Expire refuses what New would refuse, and nothing is stored.
func TestExpireBounds(t *testing.T) {
	t.Parallel()
	for _, d := range [][2]time.Duration{
		{0, time.Hour}, {-1, time.Hour}, {time.Hour, 0}, {time.Hour, -1}, {time.Hour, time.Minute}, {time.Millisecond, time.Hour},
		{time.Hour, 31 * 24 * time.Hour}, {1<<63 - 1, 1<<63 - 1}, {time.Hour, 1<<63 - 1}, {-1 << 63, -1 << 63},
	} {
		t.Run(fmt.Sprint(d), func(t *testing.T) {
			t.Parallel()
			st := new(spy)
			v := visitor{t: t, m: manager(t, st, Config{})}
			if _, err := v.try(func(s Session) { s.Login("alice"); s.Expire(d[0], d[1]) }); err == nil || st.count() != 0 {
				t.Errorf("got %v after %d store calls, want an error and none", err, st.count())
			}
		})
	}
}
