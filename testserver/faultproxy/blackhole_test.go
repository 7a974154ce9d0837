package faultproxy

import (
	"errors"
	"net"
	"testing"
	"time"
)

// TestBlackhole swallows what is sent and every attempt to connect, and delivers it all in the end.
func TestBlackhole(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s.Addr().String())
	c := dial(t, p)
	for range 2 {
		c.send(t, "a\n")
		c.want(t, "re:a")
		for range 2 {
			if err := p.Blackhole(true); err != nil {
				t.Fatal(err)
			}
		}
		c.send(t, "b\n")
		c.want(t, "")
		_, err := net.DialTimeout("tcp4", p.Addr(), quiet)
		if netErr, ok := errors.AsType[net.Error](err); !ok || !netErr.Timeout() {
			t.Errorf("a new connection: %v, want no answer", err)
		}
		late := make(chan error)
		go func() {
			conn, err := net.DialTimeout("tcp4", p.Addr(), patient)
			if err == nil {
				conn.Close()
			}
			late <- err
		}()
		select {
		case err := <-late:
			t.Errorf("a new connection: %v, want it to hang", err)
		case <-time.After(quiet):
		}
		p.Hold(false) // is another switch
		c.want(t, "")
		if err := p.Blackhole(false); err != nil {
			t.Fatal(err)
		}
		c.want(t, "re:b")
		if err := <-late; err != nil {
			t.Errorf("a connection that was tried meanwhile: %v", err)
		}
	}
	if err := p.Blackhole(true); err != nil {
		t.Fatal(err)
	}
	p.Cut()
	c.wantReset(t)
	if err := p.Blackhole(true); err == nil {
		t.Error("a proxy that is cut has a black hole")
	}
	if err := p.Mend(); err != nil {
		t.Fatal(err)
	}
	fresh := dial(t, p)
	fresh.send(t, "c\n")
	fresh.want(t, "re:c")
	if err := p.Blackhole(true); err != nil { // Close ends it
		t.Fatal(err)
	}
}

// TestSetTarget keeps connections with the server that they have, until Reset.
func TestSetTarget(t *testing.T) {
	first, second := newServer(t), newServer(t)
	p := newProxy(t, first.Addr().String())
	old := dial(t, p)
	old.send(t, "a\n")
	old.want(t, "re:a")
	p.SetTarget(second.Addr().String())
	fresh := dial(t, p)
	for _, c := range []client{old, fresh} {
		c.send(t, "b\n")
		c.want(t, "re:b")
	}
	old.send(t, "old\n")
	old.want(t, "re:old")
	fresh.send(t, "new\n")
	fresh.want(t, "re:new")
	if !first.has("old") || first.has("new") || !second.has("new") || second.has("old") {
		t.Errorf("the first server has %q, the second %q", first.lines, second.lines)
	}
	p.Reset()
	old.wantReset(t)
	fresh.wantReset(t)
	again := dial(t, p)
	again.send(t, "again\n")
	again.want(t, "re:again")
	if !second.has("again") {
		t.Error("a connection after Reset is not to the new server")
	}
}
