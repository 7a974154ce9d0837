package chaos

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// A load is clients that use sessions until they are told to end.
type load struct {
	w     *world
	back  time.Duration // see held.ask
	tally *tally

	mu    sync.Mutex
	users []*user
	live  []*held
	dead  []*held // still presented now and then
}

const (
	workers     = 12
	userCount   = 60
	liveTarget  = 150
	deadKept    = 300
	betweenAsks = 5 * time.Millisecond // of one worker: what is measured is faults and deadlines, not the machine's limit
)

// requestTime is what a request may take: the store's timeout to load a session, and again to store what has changed.
const requestTime = 2 * storeTimeout

func newLoad(w *world, back time.Duration) *load {
	l := &load{w: w, back: back, tally: w.tally}
	for i := range userCount {
		l.users = append(l.users, &user{name: fmt.Sprintf("user-%d", i)})
	}
	return l
}

// run works until ctx is done, and returns when the last answer was judged.
func (l *load) run(ctx context.Context) {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			tick := time.NewTicker(betweenAsks)
			defer tick.Stop()
			for ctx.Err() == nil {
				l.step()
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	wg.Wait()
}

func (l *load) step() {
	p := l.w.processes[rand.IntN(len(l.w.processes))]
	live, dead := l.pick()
	switch n := rand.IntN(1000); {
	case live == nil || n < 30:
		l.login(p)
	case n < 180:
		l.write(p, live)
	case n < 192:
		l.logout(p, live)
	case n < 205:
		l.revoke(p, live)
	case n < 210:
		l.revokeUser(p, live.user)
	case n < 230:
		l.leave(p, live)
	case n < 300 && dead != nil:
		l.read(p, dead)
	default:
		l.read(p, live)
	}
}

func (l *load) pick() (live, dead *held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.live); n > 0 {
		live = l.live[rand.IntN(n)]
	}
	if n := len(l.dead); n > 0 {
		dead = l.dead[rand.IntN(n)]
	}
	return live, dead
}

// all returns every session that is still presented.
func (l *load) all() []*held {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(append([]*held(nil), l.live...), l.dead...)
}

// bury moves sessions to those that have ended.
func (l *load) bury() {
	l.mu.Lock()
	defer l.mu.Unlock()
	var live []*held
	for _, h := range l.live {
		if h.mayEnd() {
			l.dead = append(l.dead, h)
		} else {
			live = append(live, h)
		}
	}
	l.live = live
	if n := len(l.dead) - deadKept; n > 0 {
		l.dead = l.dead[n:]
	}
}

// send has the process answer a request of the session's client.
func (l *load) send(p *process, path, token string, header ...string) *httptest.ResponseRecorder {
	began := time.Now()
	w := l.ask(context.Background(), p, path, token, header...)
	l.tally.answered(w.Code, time.Since(began))
	return w
}

// leave is a client that goes away, most often before it has its answer, which then counts for nothing.
func (l *load) leave(p *process, h *held) {
	c := new(client)
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), clientKey{}, c))
	defer cancel()
	k := h.ask(l.back)
	timer := time.AfterFunc(rand.N(20*time.Millisecond), func() { c.leave(); cancel() })
	w := l.ask(ctx, p, "/read", h.token)
	timer.Stop()
	l.judge(h, k, w)
}

// quiet is the server of the requests: that a server which is down cannot be reached is no news here.
var quiet = &http.Server{ErrorLog: log.New(io.Discard, "", 0)}

func (l *load) ask(ctx context.Context, p *process, path, token string, header ...string) *httptest.ResponseRecorder {
	ctx = context.WithValue(ctx, http.ServerContextKey, quiet)
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, nil)
	r.Header.Set("User-Agent", "chaos")
	if token != "" {
		r.Header.Set("Cookie", "session="+token)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	defer l.w.watch.request(path, requestTime)()
	p.handler.ServeHTTP(w, r)
	return w
}

func (l *load) read(p *process, h *held) {
	k := h.ask(l.back)
	w := l.send(p, "/read", h.token)
	l.judge(h, k, w)
}

// judge says what is wrong with the answer to a question.
func (l *load) judge(h *held, k known, w *httptest.ResponseRecorder) {
	if w.Header().Get("Set-Cookie") != "" && w.Code != http.StatusOK {
		l.tally.wrong(falseLogout, "%d %s: a cookie with %d", w.Code, h.id, w.Code)
	}
	switch w.Code {
	case http.StatusOK:
		var name string
		var got [len(values)]int
		if _, err := fmt.Sscan(w.Body.String(), &name, &got[0], &got[1]); err != nil || name != h.user.name {
			l.tally.wrong(wrongUser, "%s: %q for %s", h.id, w.Body, h.user.name)
			return
		}
		if k.revoked {
			l.tally.wrong(afterNil, "%s, asked at %v", h.id, k.at)
		}
		if k.overdue {
			l.tally.wrong(afterEffectiveBy, "%s, asked at %v", h.id, k.at)
		}
		l.tally.stale(h.stale(k, got))
	case http.StatusUnauthorized:
		if !h.mayEnd() {
			l.tally.wrong(falseLogout, "%s of %s", h.id, h.user.name)
		}
	}
}

// write counts a value up. Whoever is second reads instead.
func (l *load) write(p *process, h *held) {
	i := rand.IntN(len(values))
	if !h.writer[i].TryLock() {
		l.read(p, h)
		return
	}
	defer h.writer[i].Unlock()
	h.sent[i]++
	n := h.sent[i]
	w := l.send(p, "/write", h.token, "Write", fmt.Sprint(i, n))
	switch w.Code {
	case http.StatusOK:
		var before int
		_, err := fmt.Sscan(w.Body.String(), &before)
		h.user.mu.Lock()
		if acks := h.acked[i]; err != nil || before >= n || len(acks) > 0 && before < acks[len(acks)-1].value {
			l.tally.wrong(lostWrite, "%s: value %d was %d before %d was written, after %v", h.id, i, before, n, acks)
		}
		h.acked[i] = append(h.acked[i], ack{n, time.Now()})
		h.user.mu.Unlock()
	case http.StatusUnauthorized:
		if !h.mayEnd() {
			l.tally.wrong(falseLogout, "%s of %s, at a write", h.id, h.user.name)
		}
	}
}

func (l *load) login(p *process) {
	l.bury()
	l.mu.Lock()
	full := len(l.live) >= liveTarget
	u := l.users[rand.IntN(len(l.users))]
	l.mu.Unlock()
	if full {
		return
	}
	h := &held{user: u, began: time.Now()}
	w := l.send(p, "/login", "", "User", u.name)
	if w.Code != http.StatusOK {
		return
	}
	for _, c := range w.Result().Cookies() {
		h.token = c.Value
	}
	id, err := session.ParseID(strings.TrimSpace(w.Body.String()))
	if err != nil || h.token == "" {
		l.tally.wrong(falseLogout, "a login answers without a session")
		return
	}
	h.id = id
	u.add(h)
	l.mu.Lock()
	l.live = append(l.live, h)
	l.mu.Unlock()
}

func (l *load) logout(p *process, h *held) {
	h.end()
	w := l.send(p, "/logout", h.token)
	if w.Code != http.StatusOK {
		return
	}
	var by int64
	var effective time.Time
	if n, _ := fmt.Sscanf(w.Body.String(), "pending %d", &by); n == 1 {
		effective = time.UnixMicro(by)
	}
	h.ended(effective)
}

func (l *load) revoke(p *process, h *held) {
	h.end()
	began := time.Now()
	ended := l.w.watch.request("Revoke", storeTimeout)
	err := p.sessions.Revoke(context.Background(), h.user.name, h.id)
	ended()
	l.tally.called(err, time.Since(began))
	if by := effectiveBy(err); err == nil || !by.IsZero() {
		h.ended(by)
	}
}

func (l *load) revokeUser(p *process, u *user) {
	r := u.revoke()
	began := time.Now()
	_, err := p.sessions.RevokeUser(context.Background(), u.name)
	l.tally.called(err, time.Since(began))
	by := effectiveBy(err)
	u.revokedAll(r, by, err != nil && by.IsZero())
}
