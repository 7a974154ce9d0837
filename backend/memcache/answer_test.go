package memcachestore

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// liar answers each line with what answer returns, and counts connections. No real server says such things.
func liar(t *testing.T, answer func(line string) string) (addr string, conns *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	conns = new(atomic.Int64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Add(1)
			go func() {
				defer c.Close()
				for in := bufio.NewScanner(c); in.Scan(); {
					if _, err := c.Write([]byte(answer(in.Text()))); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String(), conns
}

// TestAnswers: CVE-20. What is not an answer to the question is an error without a word of the answer, and the connection
// is not used again.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"another key": "VALUE other 0 6 1\r\nMARKER\r\nEND\r\n",
		"data":        "MARKER\r\n",
		"an error":    "SERVER_ERROR MARKER\r\n",
		"memory":      "SERVER_ERROR out of memory storing object\r\n",
		"a mess":      "VALUE MARKER MARKER\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, conns := liar(t, func(string) string { return answer })
			c, err := OpenCache(t.Context(), []string{addr}, CacheConfig{Timeout: 5 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			for i := range int64(3) {
				got, ticket, err := c.Get(t.Context(), store.ID{1})
				if got != nil || ticket != 0 || !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("Get = %q, %d, %v; want %v", got, ticket, err, store.ErrUnavailable)
				}
				if err != nil && strings.Contains(err.Error(), "MARKER") {
					t.Errorf("the error repeats the answer: %v", err)
				}
				if n := conns.Load(); n != i+1 {
					t.Errorf("%d connections after %d calls: one was used again", n, i+1)
				}
			}
			if err := c.Delete(t.Context(), store.ID{1}); err == nil || strings.Contains(err.Error(), "MARKER") {
				t.Errorf("Delete: %v", err)
			}
		})
	}
}

// A server without CAS ids gives no ticket.
func TestNoCAS(t *testing.T) {
	t.Parallel()
	addr, _ := liar(t, func(line string) string {
		return "VALUE " + strings.TrimPrefix(line, "gets ") + " 0 4 0\r\ncopy\r\nEND\r\n"
	})
	c, err := OpenCache(t.Context(), []string{addr}, CacheConfig{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if got, ticket, err := c.Get(t.Context(), store.ID{1}); string(got) != "copy" || ticket != 0 || err != nil {
		t.Errorf("Get = %q, %d, %v; want the copy alone", got, ticket, err)
	}
}

// A server whose name leads to another address now: the connections to the old one are not used any more.
func TestAddressChanges(t *testing.T) {
	t.Parallel()
	value := func(copy string) func(string) string {
		return func(line string) string {
			return "VALUE " + strings.TrimPrefix(line, "gets ") + " 0 4 1\r\n" + copy + "\r\nEND\r\n"
		}
	}
	var to atomic.Pointer[string]
	old, _ := liar(t, value("old!"))
	now, _ := liar(t, value("new!"))
	to.Store(&old)
	c, err := OpenCache(t.Context(), []string{"name:1"}, CacheConfig{
		Timeout: 5 * time.Second,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, *to.Load())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	get := func() string {
		b, _, err := c.Get(t.Context(), store.ID{1})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := get(); got != "old!" {
		t.Fatal(got)
	}
	s := c.c.servers[0]
	busy, _, err := s.take(t.Context(), time.Now().Add(5*time.Second), false)
	if err != nil {
		t.Fatal(err)
	}
	to.Store(&now)
	if got := get(); got != "new!" {
		t.Fatalf("over a new connection: got %s", got)
	}
	s.give(busy, nil)
	for range 3 {
		if got := get(); got != "new!" {
			t.Errorf("got %s over a connection to the old address", got)
		}
	}
}
