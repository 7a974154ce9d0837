package adaptertest

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/session"
)

// crowd is how many requests of one browser come at once.
const crowd = 100

// rotateEvery is longer than a crowd takes to come together.
const rotateEvery = 500 * time.Millisecond

func parallelCases() []Case {
	return []Case{
		{Name: "parallel/keys", Why: "A hundred requests of one browser that each set another value, and count, lose nothing.", run: func(e *env) {
			meet := new(meeting)
			e.site(session.Config{}, meet.route("/key", func(x Exchange, s session.Session) {
				session.Key[bool]("key"+x.Query("i")).Set(s, true)
				count.Update(s, func(n int) int { return n + 1 })
			}))
			b := e.user("alice")
			if n := e.crowd(meet, b, "/key"); n != 0 {
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
			meet := new(meeting)
			e.site(session.Config{}, meet.route("/read", func(Exchange, session.Session) {}))
			b := e.user("alice")
			e.ok("age", e.db.age(e.ctx, 5*time.Minute))
			writes, touched := e.db.count("Create", "Save", "Delete"), e.db.touched
			if n := e.crowd(meet, b, "/read"); n != 0 {
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

// A meeting is where the requests of a crowd wait for the last one.
type meeting struct {
	mu          sync.Mutex
	here        *sync.WaitGroup
	first, last time.Time
}

func (m *meeting) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.here, m.first, m.last = new(sync.WaitGroup), time.Time{}, time.Time{}
	m.here.Add(crowd)
}

func (m *meeting) wait() {
	m.mu.Lock()
	m.last = time.Now()
	if m.first.IsZero() {
		m.first = m.last
	}
	here := m.here
	m.mu.Unlock()
	here.Done()
	here.Wait()
}

// route is one whose handler loads its session, and calls f when all of the crowd have loaded theirs.
func (m *meeting) route(path string, f func(Exchange, session.Session)) Route {
	return with(path, func(x Exchange, s session.Session) error {
		m.wait()
		f(x, s)
		return x.Send(200, "done")
	})
}

// crowd sends requests of b, all at once, and returns how many tokens they got; b has the last one then.
func (e *env) crowd(m *meeting, b *browser, path string) int {
	m.begin()
	answers := make([]*answer, crowd)
	fs := make([]func(), crowd)
	for i := range fs {
		fs[i] = func() {
			a, err := e.try(request{method: "GET", path: fmt.Sprintf("%s?i=%d", path, i), header: []string{b.line()}})
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

// rotation lets a token become old, and a crowd come with it.
func (e *env) rotation() {
	meet := new(meeting)
	e.site(session.Config{Policy: session.Policy{RotateEvery: rotateEvery, Grace: rotateEvery}}, meet.route("/read", func(Exchange, session.Session) {}))
	for range 5 {
		b := e.user("alice")
		due := time.Now().Add(rotateEvery)
		harness.Every(e.ctx, 10*time.Millisecond, func() bool { return !time.Now().Before(due) })
		before := *b
		n := e.crowd(meet, b, "/read")
		if meet.last.Sub(meet.first) >= rotateEvery/2 {
			continue // a slow machine: those that came last may rotate again
		}
		if n != 1 {
			e.Fatalf("got %d tokens, want 1", n)
		}
		e.answered("the old token, as nobody has shown the new one", e.do("GET", "/get", before.line()), 200, "user=alice note=")
		return
	}
	e.Fatalf("%d requests do not come within %v", crowd, rotateEvery/2)
}
