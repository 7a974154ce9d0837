package storetest

import (
	"net/netip"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// touch returns a touch of r that is d later, and extends it by as much.
func (e *env) touch(r *store.Record, d time.Duration) store.Touch {
	return store.Touch{LastSeen: r.LastSeen.Add(d), ExpiresAt: r.ExpiresAt.Add(d), IP: r.IP, UserAgent: r.UserAgent}
}

// touched is what r must be after t.
func touched(r *store.Record, t store.Touch) *store.Record {
	c := r.Clone()
	c.LastSeen, c.ExpiresAt, c.IP, c.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
	return c
}

func touchCases() []Case {
	return []Case{
		{Name: "touch/changes", Why: "Touch changes what t has, in the record and in r, and nothing else.", run: func(e *env) {
			r := e.create(e.bound(e.user("ann"), e.now))
			for i, ip := range []string{"198.51.100.3", "2001:db8::3", "198.51.100.4"} {
				t := e.touch(r, time.Minute)
				t.IP, t.UserAgent = netip.MustParseAddr(ip), "browser "+string(rune('a'+i))
				want := touched(r, t)
				e.ok("Touch", e.s.Touch(e.ctx, r, t))
				e.same("Touch", r, want)
				e.stored(want)
			}
		}},
		{Name: "touch/version-stays", Why: "The version stays in a Touch, so that it never disturbs a Save.", run: func(e *env) {
			r := e.create(e.record())
			e.ok("Touch", e.s.Touch(e.ctx, r, e.touch(r, time.Second)))
			if got := e.get(r.ID).Version; r.Version != 1 || got != 1 {
				e.Fatalf("got version %d, stored %d, want 1", r.Version, got)
			}
		}},
		{Name: "touch/compares-version", Why: "Touch answers ErrConflict if somebody saved the record first.", run: func(e *env) {
			r := e.create(e.record())
			old := r.Clone()
			r.ExpiresAt = e.in(time.Minute) // the save shortens, and the touch must not extend it again
			e.ok("Save", e.s.Save(e.ctx, r))
			e.want("Touch of a record that was saved", e.s.Touch(e.ctx, old, e.touch(old, time.Second)), store.ErrConflict)
			e.stored(r)
		}},
		{Name: "touch/compares-last-seen", Why: "Touch answers ErrConflict if somebody touched the record first.", run: func(e *env) {
			r := e.create(e.record())
			old := r.Clone()
			e.ok("Touch", e.s.Touch(e.ctx, r, e.touch(r, time.Minute)))
			for _, d := range []time.Duration{time.Second, time.Minute, time.Hour} { // before, at and after the first
				e.want("Touch of a record that was touched", e.s.Touch(e.ctx, old, e.touch(old, d)), store.ErrConflict)
				e.stored(r)
			}
		}},
		{Name: "touch/microseconds", Why: "Touch compares times in whole microseconds.", run: func(e *env) {
			r := e.create(e.record())
			old := r.Clone()
			e.ok("Touch", e.s.Touch(e.ctx, r, e.touch(r, time.Microsecond)))
			e.stored(r)
			e.want("Touch of a record that was touched a microsecond later", e.s.Touch(e.ctx, old, e.touch(old, time.Microsecond)), store.ErrConflict)
			e.ok("Touch", e.s.Touch(e.ctx, r, e.touch(r, time.Microsecond)))
			e.stored(r)
		}},
		{Name: "touch/gone", Why: "Touch answers ErrConflict if somebody removed the record first, and does not bring it back.", run: func(e *env) {
			r := e.create(e.record())
			e.ok("Delete", e.s.Delete(e.ctx, r.ID))
			e.want("Touch of a removed record", e.s.Touch(e.ctx, r, e.touch(r, time.Second)), store.ErrConflict)
			e.gone(r.ID)
		}},
		{Name: "touch/never-inserts", Why: "Touch changes a record that is there: ErrConflict if there is none.", run: func(e *env) {
			r := e.record()
			r.Version = 1
			e.want("Touch of a record that was never created", e.s.Touch(e.ctx, r, e.touch(r, time.Second)), store.ErrConflict)
			e.gone(r.ID)
		}},
		{Name: "touch/record-unchanged-after-error", Why: "Touch changes r together with the record, or not at all.", run: func(e *env) {
			r := e.create(e.record())
			old := r.Clone()
			e.ok("Touch", e.s.Touch(e.ctx, r, e.touch(r, time.Minute)))
			want := old.Clone()
			t := e.touch(old, time.Hour)
			t.UserAgent = "another"
			e.want("Touch", e.s.Touch(e.ctx, old, t), store.ErrConflict)
			e.same("Touch", old, want)
		}},
		{Name: "touch/expired", Why: "A store never decides whether a session is live: Touch works on an expired record.", run: func(e *env) {
			r := e.record()
			r.ExpiresAt = e.in(-5 * time.Second)
			e.create(r)
			t := e.touch(r, time.Second)
			t.ExpiresAt = e.in(time.Hour)
			e.ok("Touch", e.s.Touch(e.ctx, r, t))
			e.stored(r)
		}},
		{Name: "touch/then-save-and-touch", Why: "Touch changes r as well, so that a Save or a Touch of r that follows keeps what was touched.", run: func(e *env) {
			r := e.create(e.record())
			e.ok("Touch", e.s.Touch(e.ctx, r, e.touch(r, time.Minute)))
			r.Data = []byte("saved")
			e.ok("Save", e.s.Save(e.ctx, r))
			e.stored(r)
			e.ok("Touch", e.s.Touch(e.ctx, r, e.touch(r, time.Minute)))
			e.stored(r)
		}},
		{Name: "touch/others-stay", Why: "Touch changes the record of that id, and no other.", run: func(e *env) {
			a, b := e.record(), e.record()
			e.create(a, b)
			e.ok("Touch", e.s.Touch(e.ctx, a, e.touch(a, time.Minute)))
			e.stored(b)
		}},
	}
}
