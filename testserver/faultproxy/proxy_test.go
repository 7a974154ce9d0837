package faultproxy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	quiet   = 100 * time.Millisecond // in which nothing must come
	patient = 20 * time.Second
)

// server answers each line with "re:" before it, and remembers the lines.
type server struct {
	net.Listener
	mu    sync.Mutex
	lines []string
	ended int // connections that the client's side has ended
}

func newServer(t *testing.T) *server {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Listener: listener}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { listener.Close() })
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				lines := bufio.NewReader(conn)
				for {
					line, err := lines.ReadString('\n')
					s.mu.Lock()
					if err != nil {
						s.ended++
						s.mu.Unlock()
						return
					}
					s.lines = append(s.lines, strings.TrimSpace(line))
					s.mu.Unlock()
					io.WriteString(conn, "re:"+line)
				}
			})
		}
	})
	return s
}

func (s *server) has(line string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.lines, line)
}

func newProxy(t *testing.T, target string) *Proxy {
	t.Helper()
	p, err := New(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		p.Close() // does nothing
		// Its goroutines have said that they are done; the last may not be off the stack yet.
		await(t, "the end of all goroutines", func() bool {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			return !bytes.Contains(stacks, []byte("faultproxy.(*Proxy).serve")) &&
				!bytes.Contains(stacks, []byte("faultproxy.(*link)"))
		})
	})
	return p
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patient)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("gave up waiting for %s", what)
		}
	}
}

// client is a connection that reads lines.
type client struct {
	*net.TCPConn
	lines *bufio.Reader
}

func dial(t *testing.T, p *Proxy) client {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return client{conn.(*net.TCPConn), bufio.NewReader(conn)}
}

func (c client) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// want reads a line, which must be the given one; or none, within quiet, for "".
func (c client) want(t *testing.T, want string) {
	t.Helper()
	limit := patient
	if want == "" {
		limit = quiet
	}
	c.SetReadDeadline(time.Now().Add(limit))
	got, err := c.lines.ReadString('\n')
	if want == "" {
		if got != "" || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %q, %v, want silence", got, err)
		}
		return
	}
	if got != want+"\n" || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func (c client) wantReset(t *testing.T) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(patient))
	if got, err := c.lines.ReadString('\n'); got != "" || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %q, %v, want a reset", got, err)
	}
}

// awaitLost returns when n connections have lost bytes.
func awaitLost(t *testing.T, p *Proxy, d direction, n int) {
	t.Helper()
	await(t, "the loss", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		lost := 0
		for l := range p.links {
			if l.lost[d] {
				lost++
			}
		}
		return lost == n
	})
}

// TestForward counts what goes through, and passes on the end of each side.
func TestForward(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s.Addr().String())
	c := dial(t, p)
	for i, step := range []struct {
		send       string
		roundTrips int64
	}{
		{"a\n", 1},
		{"b\n", 2},
		{"c\nd\ne\n", 3}, // a pipeline
		{strings.Repeat("long", 10000) + "\n", 4},
	} {
		before := p.Count()
		c.send(t, step.send)
		for line := range strings.Lines(step.send) {
			c.want(t, "re:"+strings.TrimSpace(line))
		}
		got := p.Count()
		if got.RoundTrips != step.roundTrips || got.Connections != 1 {
			t.Errorf("step %d: %+v, want %d round trips", i, got, step.roundTrips)
		}
		n, lines := int64(len(step.send)), int64(strings.Count(step.send, "\n"))
		want := Count{RequestBytes: n, ReplyBytes: n + 3*lines, RoundTrips: 1}
		if delta := got.Sub(before); i > 0 && delta != want {
			t.Errorf("step %d: counted %+v, want %+v", i, delta, want)
		}
	}
	// Two connections in turn: a round trip each, whatever the other does.
	d := dial(t, p)
	before := p.Count()
	for range 3 {
		c.send(t, "x\n")
		d.send(t, "y\n")
		c.want(t, "re:x")
		d.want(t, "re:y")
	}
	if got := p.Count().Sub(before).RoundTrips; got != 6 {
		t.Errorf("two connections made %d round trips, want 6", got)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(patient))
	if _, err := c.lines.ReadByte(); err != io.EOF {
		t.Errorf("after the end of both sides: %v, want io.EOF", err)
	}
}

// TestDropReplies: FLT-3, FLT-12. The request is carried out, its reply never comes, and neither does a later one in
// its place.
func TestDropReplies(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s.Addr().String())
	c, spare, idle := dial(t, p), dial(t, p), dial(t, p)
	for _, other := range []client{c, spare, idle} {
		other.send(t, "a\n")
		other.want(t, "re:a")
	}
	p.DropReplies(true)
	c.send(t, "b\n")
	await(t, "the request", func() bool { return s.has("b") })
	awaitLost(t, p, replies, 1)
	c.want(t, "")
	fresh := dial(t, p)
	fresh.send(t, "c\n")
	awaitLost(t, p, replies, 2)
	fresh.want(t, "")
	p.DropReplies(false)
	for _, other := range []client{c, fresh} {
		other.wantReset(t)
	}
	idle.send(t, "d\n") // it lost nothing
	idle.want(t, "re:d")

	// A client that gives up leaves nothing behind.
	p.DropReplies(true)
	spare.send(t, "e\n")
	await(t, "the request", func() bool { return s.has("e") })
	spare.Close()
	await(t, "the end of the link", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.links) == 1 // that of idle
	})
}

// TestDropRequests loses what the client sends, also the end of the stream.
func TestDropRequests(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s.Addr().String())
	c := dial(t, p)
	c.send(t, "a\n")
	c.want(t, "re:a")
	p.DropRequests(true)
	c.send(t, "b\n")
	awaitLost(t, p, requests, 1)
	c.want(t, "")
	c.CloseWrite()
	c.want(t, "")
	if s.has("b") {
		t.Error("the request was delivered")
	}
	if s.mu.Lock(); s.ended != 0 {
		t.Error("the server learned of the end")
	}
	s.mu.Unlock()
	p.DropRequests(false)
	c.wantReset(t)
	d := dial(t, p)
	d.send(t, "d\n")
	d.want(t, "re:d")
}

// TestHold: FLT-2. Nothing goes through until it is turned off, and then all does: also what a client sent that has
// given up.
func TestHold(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s.Addr().String())
	c, gone := dial(t, p), dial(t, p)
	for _, other := range []client{c, gone} {
		other.send(t, "a\n")
		other.want(t, "re:a")
	}
	p.Hold(true)
	p.Hold(true)
	c.send(t, "b\n")
	gone.send(t, "late\n")
	fresh := dial(t, p)
	fresh.send(t, "c\n")
	c.want(t, "")
	for _, line := range []string{"b", "late", "c"} {
		if s.has(line) {
			t.Errorf("%q was delivered", line)
		}
	}
	await(t, "the request", func() bool { return p.Count().RequestBytes == int64(len("a\na\nb\nlate\nc\n")) })
	gone.SetLinger(0) // a reset must not overtake it
	gone.Close()
	p.Hold(false)
	c.want(t, "re:b")
	fresh.want(t, "re:c")
	await(t, "the late request", func() bool { return s.has("late") })
	p.Hold(true)
	c.send(t, "d\n")
	p.Cut() // also ends what is held
	c.wantReset(t)
}

// TestLatency makes each round trip longer, but not each byte.
func TestLatency(t *testing.T) {
	const (
		latency = 200 * time.Millisecond
		chunks  = 60 // for each byte, or each chunk, it would be twelve seconds
		limit   = 10 * time.Second
	)
	s := newServer(t)
	p := newProxy(t, s.Addr().String())
	c := dial(t, p)
	p.SetLatency(latency)
	for range 2 {
		begin := time.Now()
		c.send(t, "a\n")
		c.want(t, "re:a")
		if took := time.Since(begin); took < latency {
			t.Errorf("a round trip took %v, want %v at least", took, latency)
		}
	}
	begin := time.Now()
	for range chunks { // each read alone
		before := p.Count().RequestBytes
		c.send(t, "a\n")
		await(t, "the request", func() bool { return p.Count().RequestBytes > before })
	}
	for range chunks {
		c.want(t, "re:a")
	}
	if took := time.Since(begin); took < latency || took > limit {
		t.Errorf("%d requests in a pipeline took %v", chunks, took)
	}
	p.SetLatency(time.Hour)
	c.send(t, "late\n")
	c.want(t, "") // and Close does not wait for it
	p.SetLatency(0)
	d := dial(t, p)
	d.send(t, "d\n")
	d.want(t, "re:d")
}

// TestCutReplies ends the connection after exactly so many bytes, once.
func TestCutReplies(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s.Addr().String())
	for n, want := range []string{"", "r", "re", "re:", "re:a", "re:a\n"} {
		c := dial(t, p)
		p.CutReplies(int64(n))
		c.send(t, "a\n")
		c.SetReadDeadline(time.Now().Add(patient))
		got, err := io.ReadAll(c)
		if string(got) != want || err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after %d bytes: got %q, %v", n, got, err)
		}
		d := dial(t, p)
		d.send(t, "b\n")
		d.want(t, "re:b")
	}
	// Over several replies and connections; a negative number calls it off.
	c, d := dial(t, p), dial(t, p)
	p.CutReplies(7)
	c.send(t, "a\n")
	c.want(t, "re:a")
	d.send(t, "a\n")
	d.SetReadDeadline(time.Now().Add(patient))
	if got, err := io.ReadAll(d); string(got) != "re" || err != nil {
		t.Errorf("got %q, %v, want 2 bytes", got, err)
	}
	p.CutReplies(2)
	p.CutReplies(-5)
	c.send(t, "b\n")
	c.want(t, "re:b")
}

// TestCut: FLT-4. Both sides learn of it, new connections are refused, and Mend brings the address back.
func TestCut(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s.Addr().String())
	if err := p.Mend(); err != nil {
		t.Errorf("Mend of a whole proxy: %v", err)
	}
	addr := p.Addr()
	for i := range 3 {
		c := dial(t, p)
		c.send(t, "a\n")
		c.want(t, "re:a")
		if n := p.Open(); n != 1 {
			t.Errorf("%d connections are open, want one", n)
		}
		p.Cut()
		p.Cut()
		c.wantReset(t)
		await(t, "its end", func() bool { return p.Open() == 0 })
		if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a new connection: %v, want it refused", err)
		}
		await(t, "the server to learn of it", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.ended == i+1
		})
		if err := p.Mend(); err != nil {
			t.Fatal(err)
		}
	}
	p.Close()
	if err := p.Mend(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Mend after Close: %v, want net.ErrClosed", err)
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("the address answers after Close")
	}
}

// TestServerDown resets clients while no server answers, and serves them when one does.
func TestServerDown(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s.Addr().String())
	s.Close()
	if conn, err := net.Dial("tcp", p.Addr()); err == nil { // or reset so soon that Dial sees it
		client{conn.(*net.TCPConn), bufio.NewReader(conn)}.wantReset(t)
		conn.Close()
	} else if !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
	listener, err := net.Listen("tcp4", s.Addr().String())
	if err != nil {
		t.Skip("another program has taken the port:", err)
	}
	defer listener.Close()
	c := dial(t, p)
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "first\n")
	c.want(t, "first")
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close() // as a killed server does
	c.wantReset(t)
}

// TestFaultsUnderLoad turns everything on and off under load. Whatever happens, no client gets another reply than that
// to its own last request.
func TestFaultsUnderLoad(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s.Addr().String())
	var wg, faults sync.WaitGroup
	var answered, failed atomic.Int64
	stop := make(chan struct{})
	for worker := range 8 {
		wg.Go(func() {
			for n := 0; ; {
				conn, err := net.Dial("tcp", p.Addr())
				lines := bufio.NewReader(conn)
				for ; err == nil; n++ {
					request := fmt.Sprintf("%d.%d\n", worker, n)
					conn.SetDeadline(time.Now().Add(50 * time.Millisecond))
					var reply string
					if _, err = io.WriteString(conn, request); err != nil {
						break
					}
					if reply, err = lines.ReadString('\n'); err == nil {
						answered.Add(1)
						if reply != "re:"+request {
							t.Errorf("got %q to %q", reply, request)
						}
					}
				}
				failed.Add(1)
				if conn != nil {
					conn.Close()
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for round := 0; round < 20 || round < 400 && answered.Load() == 0; round++ {
		for _, fault := range []func(){
			func() { p.DropReplies(true) }, func() { p.DropReplies(false) },
			func() { p.DropRequests(true) }, func() { p.DropRequests(false) },
			func() { p.Hold(true) }, func() { p.Hold(false) },
			func() { p.SetLatency(time.Millisecond) }, func() { p.SetLatency(0) },
			func() { p.CutReplies(100) },
			p.Cut,
			func() {
				if err := p.Mend(); err != nil {
					t.Error(err)
				}
			},
		} {
			<-tick.C
			faults.Go(fault)
			p.Count()
		}
	}
	// The switches raced each other: bring all to an end, after the last of them.
	faults.Wait()
	close(stop)
	p.Cut()
	wg.Wait()
	if answered.Load() == 0 || failed.Load() == 0 {
		t.Errorf("%d requests answered, %d connections failed: the test shows nothing", answered.Load(), failed.Load())
	}
}
