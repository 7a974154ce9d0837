package nethttp_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
)

// TestInterfaces: handlers find what the protocol offers, and a ResponseController all of it.
func TestInterfaces(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, protocol int) {
		interfaces := func(w http.ResponseWriter) string {
			_, flusher := w.(http.Flusher)
			_, text := w.(io.StringWriter)
			_, hijacker := w.(http.Hijacker)
			_, readerFrom := w.(io.ReaderFrom)
			_, pusher := w.(http.Pusher)
			return fmt.Sprint(flusher, text, hijacker, readerFrom, pusher)
		}
		s := newSite(t, session.Config{}, nethttp.Config{})
		s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			if err := errors.Join(c.SetReadDeadline(time.Now().Add(time.Minute)), c.SetWriteDeadline(time.Now().Add(time.Minute))); err != nil {
				t.Error(err)
			}
			if err := c.EnableFullDuplex(); err != nil && protocol == 1 {
				t.Error(err)
			}
			if _, _, err := c.Hijack(); protocol == 2 && !errors.Is(err, http.ErrNotSupported) {
				t.Errorf("Hijack: got %v, want ErrNotSupported", err)
			} else if protocol == 2 {
				if err := w.(http.Pusher).Push("/x", nil); !errors.Is(err, http.ErrNotSupported) {
					t.Errorf("Push: got %v; this client takes none", err)
				}
			}
		})
		bare := make(chan string, 1)
		var got string
		h := s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = interfaces(w)
			if protocol == 2 {
				s.mux.ServeHTTP(w, r)
			}
		}))
		b := serve(t, protocol, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			bare <- interfaces(w)
			h.ServeHTTP(w, r)
		}))("")
		b.want("/", 200, "")
		if want := <-bare; got != want {
			t.Errorf("Flusher, StringWriter, Hijacker, ReaderFrom, Pusher: got %s, want %s as without middleware", got, want)
		}
	})
}

// hides is a writer of other middleware, which has nothing but Unwrap.
type hides struct{ http.ResponseWriter }

func (h hides) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// TestHijack: FLT-23. The session is committed before the connection is taken, also if other middleware hides the Hijacker.
func TestHijack(t *testing.T) {
	t.Parallel()
	for name, outer := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"direct": func(w http.ResponseWriter) http.ResponseWriter { return w },
		"hidden": func(w http.ResponseWriter) http.ResponseWriter { return hides{w} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, session.Config{}, nethttp.Config{})
			s.on("/hijack", func(w http.ResponseWriter, r *http.Request, x session.Session) {
				note.Set(x, "before")
				saves := s.db.saves.Load()
				conn, rw, err := http.NewResponseController(w).Hijack()
				if err != nil {
					return
				}
				defer conn.Close()
				if got := s.db.saves.Load(); got != saves+1 {
					t.Errorf("%d saves before the connection was taken, want %d", got, saves+1)
				}
				_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nraw")
				_ = rw.Flush()
				if r.FormValue("late") != "" {
					note.Set(x, "after")
				}
			})
			done := make(chan bool, 2)
			b := serve(t, 1, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s.handler().ServeHTTP(outer(w), r)
				if r.URL.Path == "/hijack" {
					done <- true
				}
			}))("")
			b.want("/login?user=alice", 200, "")
			b.want("/hijack", 200, "raw")
			<-done
			b.want("/get", 200, "user=alice note=before")
			b.want("/hijack?late=1", 200, "raw")
			<-done
			b.want("/get", 200, "user=alice note=after")
			s.on("/down", func(w http.ResponseWriter, _ *http.Request, x session.Session) {
				note.Set(x, "lost")
				s.db.down.Store(true)
				if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, session.ErrUnavailable) {
					t.Errorf("Hijack with the store out: got %v, want ErrUnavailable", err)
				}
			})
			b.want("/down", 503, "Service Unavailable\n")
		})
	}
}

// copied counts what reaches a connection by ReadFrom, the way to sendfile.
type copied struct {
	net.Listener
	files atomic.Int32
}

type copiedConn struct {
	*net.TCPConn
	l *copied
}

func (l *copied) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return copiedConn{c.(*net.TCPConn), l}, nil
}

func (c copiedConn) ReadFrom(r io.Reader) (int64, error) {
	src := r
	if l, ok := r.(*io.LimitedReader); ok {
		src = l.R
	}
	if _, ok := src.(interface{ Fd() uintptr }); ok {
		c.l.files.Add(1)
	}
	return c.TCPConn.ReadFrom(r)
}

// TestReadFrom: a file still goes to the connection as a file.
func TestReadFrom(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "big.bin")
	content := strings.Repeat("0123456789abcdef", 1<<14)
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, session.Config{Cookie: session.Cookie{Insecure: true}}, nethttp.Config{})
	s.on("/serve", func(w http.ResponseWriter, r *http.Request, s session.Session) {
		count.Set(s, 1)
		http.ServeFile(w, r, name)
	})
	s.on("/copy", func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		count.Set(s, 2)
		f, err := os.Open(name)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		w.Header().Set("Content-Length", strconv.Itoa(len(content))) // chunks never go as a file
		if n, err := io.Copy(w, f); n != int64(len(content)) || err != nil {
			t.Errorf("io.Copy: got %d, %v; want %d", n, err, len(content))
		}
	})
	server := httptest.NewUnstartedServer(s.Handler(s.Handler(s.mux)))
	l := &copied{Listener: server.Listener}
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	for i, path := range []string{"/serve", "/copy"} {
		res, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || string(body) != content || len(res.Header["Set-Cookie"]) != 1 {
			t.Errorf("%s: %d bytes, %v, %d cookies; want %d bytes and one cookie", path, len(body), err, len(res.Header["Set-Cookie"]), len(content))
		}
		if got := l.files.Load(); got != int32(i+1) {
			t.Errorf("%s: %d files went to the connection as such, want %d", path, got, i+1)
		}
	}
}

// broken is a source of zero bytes that fails after some.
type broken struct{ after int }

func (b *broken) Read(p []byte) (int, error) {
	n := min(b.after, len(p))
	b.after -= n
	if n == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	clear(p[:n])
	return n, nil
}

// TestBrokenSource: a source that fails before its first byte leaves the response to the handler, and nothing is committed.
func TestBrokenSource(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{})
	s.on("/proxy", func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		note.Set(s, "lost")
		if _, err := io.Copy(w, &broken{}); err != nil {
			http.Error(w, "bad gateway", http.StatusBadGateway)
		}
	})
	s.on("/partly", func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		note.Set(s, "kept")
		if n, err := io.Copy(w, &broken{600}); n != 600 || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %d, %v; want 600 and the error of the source", n, err)
		}
	})
	b := serve(t, 1, s.handler())("")
	if a := b.want("/proxy", 502, "bad gateway\n"); len(a.Header["Set-Cookie"]) != 0 || s.rows() != 0 {
		t.Error("the session was committed for a 502")
	}
	b.want("/partly", 200, strings.Repeat("\x00", 600))
	b.want("/get", 200, "user= note=kept")
}

// TestPlainWriter: a writer without any extras works as far as it can.
func TestPlainWriter(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{})
	s.on("/", func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		note.Set(s, "x")
		c := http.NewResponseController(w)
		if err := c.Flush(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Flush: got %v, want ErrNotSupported", err)
		}
		if _, _, err := c.Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Hijack: got %v, want ErrNotSupported", err)
		}
		_, _ = io.Copy(w, bufio.NewReader(strings.NewReader("ok")))
	})
	rec := httptest.NewRecorder()
	s.handler().ServeHTTP(struct{ http.ResponseWriter }{rec}, httptest.NewRequest("GET", "/", nil))
	if rec.Body.String() != "ok" || len(rec.Header()["Set-Cookie"]) != 1 {
		t.Errorf("got %q, %v", rec.Body, rec.Header())
	}
}
