package rueidisstore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

const (
	failurePause = 50 * time.Millisecond // after an attempt to connect that failed, until the next one
	refusalPause = 10 * time.Millisecond // between two clients that are opened because a server has refused
	retireTime   = 5 * time.Second       // for calls that are under way with a client that was replaced
	onceTries    = 4                     // connections that a refused call tries beside those of the application's client
	givenConns   = 4                     // that a client has to a server by default
)

// A link is the way to the servers. It opens a client when one is needed, and another one where the connection was lost or
// a server has refused; or it goes by the application's client. It is safe for concurrent use.
type link struct {
	given  rueidis.Client
	option rueidis.ClientOption // of the clients it opens; changed only by the one attempt that is under way
	now    atomic.Pointer[peer] // nil until the first one is open

	mu      sync.Mutex
	attempt *attempt  // under way, or nil
	next    time.Time // when the next attempt may begin
	failed  error     // of the last attempt
	retired map[*peer]*time.Timer
	ended   chan struct{} // closed by close
	closed  bool
}

// An attempt is one opening of a client, which all callers wait for.
type attempt struct {
	peer *peer // to be opened, with all that it connects to
	done chan struct{}
	err  error
}

// over returns a link that goes by a client of the application's.
func over(client rueidis.Client) *link {
	l := &link{given: client}
	p := &peer{client: client, born: time.Now(), watched: true, cluster: client.Mode() == rueidis.ClientModeCluster}
	l.now.Store(p)
	return l
}

// peer returns the client to use now.
func (l *link) peer(ctx context.Context) (*peer, error) {
	if p := l.now.Load(); p != nil && !(p.alone && p.down.Load()) {
		return p, nil
	}
	return l.connect(ctx, nil)
}

// tracks reports whether the client of now caches on its side.
func (l *link) tracks() bool {
	p := l.now.Load()
	return p != nil && p.tracks
}

// connect returns a client that works, other than refused. All callers share one attempt, which goes on without them:
// what it takes is the time of the client's own timeouts, and not that of the caller who happened to be first.
func (l *link) connect(ctx context.Context, refused *peer) (*peer, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, rueidis.ErrClosing
	}
	if p := l.now.Load(); p != nil && p != refused && !(p.alone && p.down.Load()) {
		l.mu.Unlock()
		return p, nil
	}
	a := l.attempt
	if a == nil {
		pause := time.Until(l.next)
		if pause > 0 && l.failed != nil {
			defer l.mu.Unlock()
			return nil, l.failed
		}
		a = &attempt{peer: newPeer(), done: make(chan struct{})}
		l.attempt = a
		go l.open(a, pause)
	}
	l.mu.Unlock()
	select {
	case <-a.done:
		return a.peer, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// open makes an attempt after a pause.
func (l *link) open(a *attempt, pause time.Duration) {
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-l.ended:
		}
	}
	began := time.Now()
	err := a.peer.openClient(&l.option)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempt, l.failed = nil, err
	switch {
	case err != nil:
		a.peer, a.err = nil, err
		l.next = time.Now().Add(failurePause)
	case l.closed:
		go a.peer.close() // its connections are closed already
		a.peer, a.err = nil, rueidis.ErrClosing
	default:
		l.next = began.Add(refusalPause)
		if old := l.now.Swap(a.peer); old != nil {
			l.retire(old)
		}
	}
	close(a.done)
}

// retire closes a client when the calls that have it are over. l.mu is held.
func (l *link) retire(p *peer) {
	l.retired[p] = time.AfterFunc(retireTime, func() {
		l.mu.Lock()
		_, mine := l.retired[p]
		delete(l.retired, p)
		l.mu.Unlock()
		if mine {
			p.close()
		}
	})
}

// close closes the clients that the link has opened, in little more than a second.
func (l *link) close() {
	if l.given != nil {
		return
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.closed = true
	close(l.ended)
	var peers []*peer
	if p := l.now.Load(); p != nil {
		peers = append(peers, p)
	}
	for p, timer := range l.retired {
		timer.Stop()
		peers = append(peers, p)
	}
	l.retired = nil
	if l.attempt != nil {
		l.attempt.peer.cut()
	}
	l.mu.Unlock()
	var wg sync.WaitGroup
	for _, p := range peers {
		wg.Go(p.close)
	}
	wg.Wait()
}

// reads returns how often a read is tried whose connection was lost: the application's client may have several, which are
// lost together.
func (l *link) reads() int {
	if l.given != nil {
		return 1 + givenConns
	}
	return 2
}

// another returns a client for what p's server has refused, or nil: in a Cluster the client finds the right server itself.
func (l *link) another(ctx context.Context, p *peer) *peer {
	if p.cluster {
		return nil
	}
	if l.given == nil {
		p, _ = l.connect(ctx, p)
		return p
	}
	first := p.once == nil
	return &peer{client: l.given, born: p.born, watched: true, once: func() (rueidis.DedicatedClient, func()) {
		if first { // the key picks one of the client's connections, and the second command waits for its end
			b := l.given.B()
			l.given.DoMulti(ctx, b.Arbitrary("QUIT").Keys(quitKey).Build(), b.Exists().Key(quitKey).Build())
		}
		return l.given.Dedicate()
	}}
}

// quitKey is read by no server.
const quitKey = "qsessions"

// tries is how often a call is made: again where a server has refused it as it is not the one to ask, so that nothing
// was done. It is used as
//
//	for t := l.tries(ctx); t.next(&err); {
//		err = …t.do(…)
//	}
type tries struct {
	*peer
	link *link
	ctx  context.Context
	n    int
}

func (l *link) tries(ctx context.Context) tries { return tries{link: l, ctx: ctx} }

// next reports whether to make the call, with the peer that it sets. Where there is none, it sets err.
func (t *tries) next(err *error) bool {
	t.n++
	if t.n == 1 {
		if t.peer, *err = t.link.peer(t.ctx); *err != nil {
			t.peer = nil
		}
		return t.peer != nil
	}
	if !refused(*err) || t.n > 2 && (t.link.given == nil || t.n > 1+onceTries) || t.ctx.Err() != nil {
		return false
	}
	p := t.link.another(t.ctx, t.peer)
	if p == nil {
		return false
	}
	t.peer = p
	return true
}

// all sends n commands in one round trip, and those again that a server has refused. With exact it makes sure that what
// was read comes from no replica.
func (l *link) all(ctx context.Context, exact bool, n int, build func(b rueidis.Builder) rueidis.Commands) []rueidis.RedisResult {
	var results []rueidis.RedisResult
	var err error
	for t := l.tries(ctx); t.next(&err); {
		commands, places := build(t.client.B()), []int(nil)
		if results != nil {
			commands, places = onlyRefused(commands, results)
		}
		ask := exact && !t.cluster
		if ask {
			commands = append(commands, t.client.B().Role().Build())
		}
		var got []rueidis.RedisResult
		if len(commands) == 1 {
			got = []rueidis.RedisResult{t.do(ctx, commands[0])}
		} else {
			got = t.doMulti(ctx, commands...)
		}
		if ask {
			got = checkRole(got)
		}
		if results == nil {
			results = got
		}
		for i, place := range places {
			results[place] = got[i]
		}
		err = nil
		for _, r := range got {
			if e := r.Error(); refused(e) {
				err = e
			}
		}
	}
	if results == nil {
		return errorResults(n, err)
	}
	return results
}

// onlyRefused returns those of the commands that were refused, and their places.
func onlyRefused(commands rueidis.Commands, results []rueidis.RedisResult) (again rueidis.Commands, places []int) {
	for i, r := range results {
		if refused(r.Error()) {
			again, places = append(again, commands[i]), append(places, i)
		}
	}
	return again, places
}

// checkRole takes the answer to ROLE off the end of results, and makes errors of them unless it is a primary's. One that
// was promoted since the others were read counts: what it has is what there is.
func checkRole(results []rueidis.RedisResult) []rueidis.RedisResult {
	n := len(results) - 1
	role := results[n]
	results = results[:n]
	err := role.Error()
	if isReplica(role) {
		err = errReplica
	}
	if err != nil {
		for i, r := range results {
			if r.NonRedisError() == nil {
				results[i] = rueidis.NewErrorResult(err)
			}
		}
	}
	return results
}

// isReplica reports whether an answer is that of a replica to ROLE.
func isReplica(role rueidis.RedisResult) bool {
	parts, err := role.ToArray()
	if err != nil || len(parts) == 0 {
		return false
	}
	name, err := parts[0].ToString()
	return err == nil && name == "slave"
}

// refused reports whether a call has not been done, and is to be made over a new connection: there was none any more, or a
// server has said that it is not the one to ask, at least now. Behind the same name there may be another one. It is a replica (READONLY, MASTERDOWN), it copies another server's data or is
// about to start (LOADING), or it has lost its replicas (NOREPLICAS), as a former primary has that does not know yet. A
// server without memory (OOM) or without a disk (MISCONF), and a Cluster that is down, say nothing of the kind.
func refused(err error) bool {
	if err == nil {
		return false
	}
	if err == errReplica || err == errLost { // never wrapped
		return true
	}
	for _, code := range [...]string{"READONLY ", "MASTERDOWN ", "LOADING ", "NOREPLICAS "} {
		if answersCode(err, code) {
			return true
		}
	}
	return false
}

// temporary reports whether an attempt to connect has failed for a reason that may go by itself.
func temporary(err error) bool {
	return isNetwork(err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, rueidis.ErrNoAddr) || refused(err) ||
		answersCode(err, "CLUSTERDOWN ") || answersCode(err, "BUSY ") || answers(err, "max number of clients")
}
