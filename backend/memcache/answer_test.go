package memcachestore

import (
	"bufio"
	"context"
	"errors"
	"net"
	"runtime"
	"slices"
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
		"too much":    "END\r\nMARKER\r\n",
		"a long line": strings.Repeat("MARKER", 2000),
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

// TestHuge: CVE-41. A value that is announced costs no memory before it arrives, and one that is larger than any item is
// refused at once.
func TestHuge(t *testing.T) {
	addr, _ := liar(t, func(line string) string {
		return "VALUE " + strings.TrimPrefix(line, "gets ") + " 0 4294967293 1\r\nMARKER"
	})
	c, err := OpenCache(t.Context(), []string{addr}, CacheConfig{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err = c.Get(t.Context(), store.ID{1})
	runtime.ReadMemStats(&after)
	if !errors.Is(err, errLarge) || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Get: %v, want %v", err, errLarge)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("an announced value cost %d bytes", got)
	}
}

// TestFollow: answers are followed in whatever pieces they come.
func TestFollow(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"END\r\n":    nil,
		"STORED\r\n": nil,
		"VALUE k 0 10 1\r\nVALUE k 0\n\r\nEND\r\n":     nil,
		"VALUE k 0 0 1\r\n\r\nEND\r\n":                 nil,
		"VALUE k 0 10\r\n0123456789\r\nEND\r\n":        nil,
		"VALUE k 0 11 1\r\n":                           errLarge,
		"VALUE k 0 11\r\n":                             errLarge,
		"VALUE a 0 1 1\r\n1\r\nVALUE b 0 99 1\r\n":     errLarge,
		strings.Repeat("x", maxLine+1):                 errLarge,
		"STORED\r\nSTORED\r\n":                         errExcess,
		"END\r\n\x00":                                  errExcess,
		"VALUE k 0 1 1\r\n1\r\nEND\r\nVALUE":           errExcess,
		"VALUE k 0 -1 1\r\n1\r\n":                      errExcess,
		"VALUE k 0 18446744073709551617 1\r\n1\r\n":    errLarge,
		"VALUE k 0 99999999999999999999999 1\r\n1\r\n": errLarge,
	} {
		for _, size := range []int{1, 2, 3, 7, len(text)} {
			a := answer{max: 10}
			var err error
			for piece := range slices.Chunk([]byte(text), size) {
				if err = a.follow(piece); err != nil {
					break
				}
			}
			if err != want {
				t.Errorf("%.40q in pieces of %d: got %v, want %v", text, size, err, want)
			}
			if err == nil && (!a.ended || a.left != 0) {
				t.Errorf("%.40q in pieces of %d has not ended", text, size)
			}
		}
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
