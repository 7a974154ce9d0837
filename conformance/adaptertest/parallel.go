package adaptertest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/session"
)

// crowd is how many requests of one browser come at once.
const crowd = 100

// rotateEvery is more than twice as long as a crowd takes, on most machines.
const rotateEvery = 500 * time.Millisecond

func parallelCases() []Case {
	return []Case{
		{Name: "parallel/keys", Why: "A hundred requests of one browser that each set another value, and count, lose nothing.", run: func(e *env) {
			meet, route := e.meeting(func(x Exchange, s session.Session) {
				session.Key[bool]("key"+x.Query("i")).Set(s, true)
				count.Update(s, func(n int) int { return n + 1 })
			})
			e.site(session.Config{}, route)
			b := e.user("alice")
			if n := e.crowd(meet, b); n != 0 {
				e.Fatalf("got %d tokens, want none", n)
			}
			e.effect(&e.db.Store, b.prefix+b.token, func(s session.Session) {
				if got := count.Get(s); got != crowd {
					e.Errorf("%d requests counted to %d", crowd, got)
				}
				for i := range crowd {
					if !session.Key[bool]("key" + strconv.Itoa(i)).Get(s) {
						e.Errorf("the value of request %d is lost", i)
					}
				}
			})
		}},
		{Name: "parallel/touch", Why: "A hundred requests of one browser that only read write once that it was seen, and nothing else.", run: func(e *env) {
			meet, route := e.meeting(nil)
			e.site(session.Config{}, route)
			b := e.user("alice")
			e.ok("age", e.db.age(e.ctx, 5*time.Minute))
			writes, touched := e.db.count("Create", "Save", "Delete"), e.db.touched
			if n := e.crowd(meet, b); n != 0 {
				e.Fatalf("got %d tokens, want none", n)
			}
			if got := e.db.touched - touched; got != 1 {
				e.Fatalf("last seen was written %d times, want once", got)
			}
			if got := e.db.count("Create", "Save", "Delete") - writes; got != 0 {
				e.Fatalf("requests that only read caused %d writes", got)
			}
		}},
		{Name: "parallel/rotation", Why: "A hundred requests of one browser at the time of a periodic rotation get one new token between them; the old one goes on for a while.", run: (*env).rotation},
	}
}

// A gate is where requests wait for the last one.
type gate struct {
	mu      sync.Mutex
	missing int
	open    chan bool
}

func newGate(n int) *gate { return &gate{missing: n, open: make(chan bool)} }

// wait returns when all are there, or ctx is done.
func (g *gate) wait(ctx context.Context) {
	g.mu.Lock()
	if g.missing--; g.missing == 0 {
		close(g.open)
	}
	g.mu.Unlock()
	select {
	case <-g.open:
	case <-ctx.Done():
	}
}

// meeting is a route whose handler loads its session, and calls f when a crowd has loaded theirs; it may be nil.
func (e *env) meeting(f func(Exchange, session.Session)) (meet *atomic.Pointer[gate], route Route) {
	meet = new(atomic.Pointer[gate])
	return meet, with("/meet", func(x Exchange, s session.Session) error {
		meet.Load().wait(e.ctx)
		if f != nil {
			f(x, s)
		}
		return x.Send(200, "done")
	})
}

// crowd sends requests of b, all at once, and returns how many tokens they got; b has the last one then.
func (e *env) crowd(meet *atomic.Pointer[gate], b *browser) int {
	meet.Store(newGate(crowd))
	answers := make([]*answer, crowd)
	fs := make([]func(), crowd)
	for i := range fs {
		fs[i] = func() {
			a, err := e.try(request{method: "GET", path: fmt.Sprintf("/meet?i=%d", i), header: []string{b.line()}})
			if err != nil || a.status != 200 {
				e.Errorf("request %d: got %v, %v", i, a, err)
				return
			}
			answers[i] = a
		}
	}
	e.Together(fs...)
	e.Still()
	n := 0
	for _, a := range answers {
		n += len(a.header["Set-Cookie"])
		b.take(a)
	}
	return n
}

// rotation lets a token become old, and a crowd come with it. On a slow machine one of them may rotate again: then it is
// tried with more time.
func (e *env) rotation() {
	every := rotateEvery
	for ; e.ctx.Err() == nil; every *= 2 {
		meet, route := e.meeting(nil)
		e.site(session.Config{Policy: session.Policy{RotateEvery: every, Grace: every / 4}}, route)
		b := e.user("alice")
		due := time.Now().Add(every)
		harness.Every(e.ctx, 10*time.Millisecond, func() bool { return !time.Now().Before(due) })
		before := *b
		begun := time.Now()
		n := e.crowd(meet, b)
		if time.Since(begun) >= every/2 {
			continue
		}
		if n != 1 {
			e.Fatalf("got %d tokens, want 1", n)
		}
		e.answered("the old token, as nobody has shown the new one", e.do("GET", "/get", before.line()), 200, "user=alice note=")
		return
	}
	e.Fatalf("%d requests do not end within %v", crowd, every/2)
}
