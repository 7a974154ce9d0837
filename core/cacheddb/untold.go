package cacheddb

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// maxUntold bounds how many sessions are remembered one by one.
const maxUntold = 1 << 16

// untold remembers which sessions this process has written, or read from the database, without being able to tell the
// cache. It does not use copies of them until every copy from before has ended, so that at least the clients of this
// process read what they wrote, and go on to read what an authoritative load has said. No promise between processes
// depends on it.
type untold struct {
	until time.Duration // for how long, after the write

	some  atomic.Bool // whether there may be any
	mu    sync.Mutex
	since map[store.ID]time.Time // when that was found out
	all   time.Time              // there were too many: so long no copy at all is used
	end   time.Time              // of all of them
}

func (u *untold) add(ids []store.ID, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.since == nil {
		u.since = make(map[store.ID]time.Time)
	}
	if len(u.since)+len(ids) > maxUntold {
		maps.DeleteFunc(u.since, func(_ store.ID, t time.Time) bool { return !now.Before(t.Add(u.until)) })
	}
	if len(u.since)+len(ids) > maxUntold {
		clear(u.since)
		u.all = now.Add(u.until)
	} else {
		for _, id := range ids {
			if u.since[id].Before(now) {
				u.since[id] = now
			}
		}
	}
	if end := now.Add(u.until); end.After(u.end) {
		u.end = end
	}
	u.some.Store(true)
}

// has reports whether copies of id are not to be used.
func (u *untold) has(id store.ID, now time.Time) bool {
	if !u.some.Load() {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !now.Before(u.end) {
		u.since = nil
		u.some.Store(false)
		return false
	}
	t, ok := u.since[id]
	return ok && now.Before(t.Add(u.until)) || now.Before(u.all)
}

// told notes that the slot of id is as the database was at the given time.
func (u *untold) told(id store.ID, asOf time.Time) {
	if !u.some.Load() {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if t, ok := u.since[id]; ok && !t.After(asOf) {
		delete(u.since, id)
		u.some.Store(len(u.since) > 0 || asOf.Before(u.all))
	}
}
