package fibersession_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/session"
)

// keepAlive is a connection that sends one request after the other.
type keepAlive struct {
	conn net.Conn
	r    *bufio.Reader
}

func dial(t testing.TB, addr string) *keepAlive {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &keepAlive{conn, bufio.NewReader(conn)}
}

func (k *keepAlive) get(path string, header ...string) (answer, error) {
	request := "GET " + path + " HTTP/1.1\r\nHost: example.org\r\n" + strings.Join(append(header, "", ""), "\r\n")
	if _, err := io.WriteString(k.conn, request); err != nil {
		return answer{}, err
	}
	res, err := http.ReadResponse(k.r, nil)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res, string(body)}, err
}

// TestKeepAlive: CVE-22. A hundred thousand requests on eight connections (an eighth of them under the race detector), whose memory Fiber uses again for each of them,
// with User-Agents, hints, tokens and values of all lengths: all that is stored is byte for byte what was sent, and each
// request is answered from its own session.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	const connections, clients = 8, 40
	s := newSite(t, session.Config{Policy: session.Policy{TouchEvery: time.Nanosecond}}, fibersession.Config{ClientHints: true})
	s.on("/me", func(c fiber.Ctx, s session.Session) error {
		if n := c.Query("note"); n != "" {
			note.Set(s, n)
		}
		return c.SendString(s.User() + " " + s.Info().Client.UserAgent)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	start(t, s.App, l)
	var requests atomic.Int64
	var all sync.WaitGroup
	for n := range connections {
		k := dial(t, l.Addr().String())
		all.Go(func() {
			agent := func(i int) string { return strings.Repeat(fmt.Sprintf("agent-%d-%d/", n, i), 1+rand.N(20)) }
			type client struct{ user, cookie, agent, model, note string }
			var known []client
			for i := range each {
				at := i % clients
				if at == len(known) {
					user := fmt.Sprintf("user-%d-%d", n, i)
					a, err := k.get("/login?user="+user, "User-Agent: first")
					if err != nil || len(a.Header["Set-Cookie"]) != 1 {
						t.Errorf("login: %v, %v", a.Response, err)
						return
					}
					cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
					known = append(known, client{user: user, cookie: cookie})
				}
				c := &known[at]
				c.agent, c.model = agent(i), fmt.Sprintf(`"model %d %d"`, n, i)
				path := "/me"
				if i%5 == 0 || c.note == "" {
					c.note = strings.Repeat(fmt.Sprint(i), 1+rand.N(9))
					path += "?note=" + c.note
				}
				padding := "X-Padding: " + strings.Repeat("x", rand.N(300))
				a, err := k.get(path, padding, "User-Agent: "+c.agent, "Cookie: a=b; "+c.cookie+"; c=d", "Sec-CH-UA-Model: "+c.model)
				if err != nil || a.StatusCode != 200 || a.body != c.user+" "+c.agent {
					t.Errorf("%s: got %v %q, %v; want %q", c.user, a.Response, a.body, err, c.agent)
					return
				}
				if i%1000 == 999 || i == each-1 {
					// Everything that is stored is what was sent last.
					for _, c := range known {
						list, err := session.Collect(s.sessions.Sessions(context.Background(), c.user))
						if err != nil || len(list) != 1 {
							t.Errorf("%s: %v, %v", c.user, list, err)
							return
						}
						if got := list[0]; got.UserAgent != c.agent || got.Hints.Model != c.model || got.IP.String() != "127.0.0.1" || got.User != c.user {
							t.Errorf("%s: stored %+v, want %q and %q", c.user, got, c.agent, c.model)
						}
						ctx, _ := s.sessions.Start(context.Background(), session.Client{}, c.cookie)
						if x, err := s.sessions.From(ctx); err != nil || x.User() != c.user || note.Get(x) != c.note {
							t.Errorf("%s: the values are not those that were set: %v", c.user, err)
						}
						s.sessions.Close(ctx)
					}
				}
				requests.Add(1)
			}
		})
	}
	all.Wait()
	if got := requests.Load(); got != connections*each && !t.Failed() {
		t.Errorf("%d requests, want %d", got, connections*each)
	}
}

// TestKept: CVE-21. A session that is kept past its handler, while its connection goes on with other users, stays what it was,
// and is closed: it is never another user's.
func TestKept(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{ClientHints: true})
	var kept []session.Session
	var contexts []context.Context
	s.on("/keep", func(c fiber.Ctx, s session.Session) error {
		note.Set(s, "of "+s.User())
		s.Login(c.Query("again"))
		kept, contexts = append(kept, s), append(contexts, c.Context())
		return nil
	})
	s.Get("/unloaded", func(c fiber.Ctx) error { contexts = append(contexts, c.Context()); return nil })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	start(t, s.App, l)
	k := dial(t, l.Addr().String())
	get := func(path string, header ...string) answer {
		a, err := k.get(path, header...)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := get("/login?user=alice", "User-Agent: alice's browser")
	cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	a = get("/keep?again=alice", "User-Agent: alice's browser", "Cookie: "+cookie)
	cookie, _, _ = strings.Cut(a.Header.Get("Set-Cookie"), ";")
	get("/unloaded", "User-Agent: alice's browser", "Cookie: "+cookie)
	stop, readers := make(chan bool), sync.WaitGroup{}
	readers.Go(func() {
		for x := kept[0]; ; {
			select {
			case <-stop:
				return
			default:
			}
			if x.User() != "alice" || note.Get(x) != "of alice" || x.Info().User != "alice" {
				t.Errorf("the kept session is %q's", x.User())
				return
			}
			count.Set(x, 1)
			if !errors.Is(x.Err(), session.ErrClosed) {
				t.Errorf("the kept session can be changed: %v", x.Err())
				return
			}
			if _, err := session.From(contexts[1]); !errors.Is(err, session.ErrClosed) {
				t.Errorf("a session that nobody had asked for opens afterwards: %v", err)
				return
			}
		}
	})
	for i := range 400 {
		a := get(fmt.Sprint("/login?user=mallory", i), "User-Agent: "+strings.Repeat("M", 1+i%400), "Sec-CH-UA-Model: mallory")
		cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
		get("/get", "User-Agent: mallory", "Cookie: "+cookie)
	}
	close(stop)
	readers.Wait()
	if a := get("/get", "Cookie: "+cookie); a.body != "user=alice note=of alice" {
		t.Errorf("got %q", a.body)
	}
}

// TestChangedRequest: CVE-22. Middleware that changes the header of the request, whose memory Fiber then uses for something
// else, does not change what the session was started with.
func TestChangedRequest(t *testing.T) {
	t.Parallel()
	s := bareSite(t, session.Config{})
	s.Use(fibersession.New(s.sessions, fibersession.Config{ClientHints: true}), func(c fiber.Ctx) error {
		_ = c.Cookies("a") // takes the line apart
		h := &c.Request().Header
		for _, name := range []string{"Sec-Ch-Ua-Model", "User-Agent", "Cookie"} {
			h.Del(name)
		}
		for i := range 5 {
			h.Add(fmt.Sprint("X-Other-", i), strings.Repeat("x", 400))
		}
		h.SetUserAgent("other")
		return c.Next()
	})
	s.routes()
	agent, model := strings.Repeat("agent ", 30)+".", `"model"`
	header := func(cookie string) http.Header {
		return http.Header{"User-Agent": {agent}, "Sec-Ch-Ua-Model": {model}, "Cookie": {"a=b; " + cookie}}
	}
	cookie, _, _ := strings.Cut(s.get("/login?user=alice", header("c=d")).Header.Get("Set-Cookie"), ";")
	if a := s.get("/get", header(cookie)); a.body != "user=alice note=" {
		t.Errorf("got %q", a.body)
	}
	list, err := session.Collect(s.sessions.Sessions(t.Context(), "alice"))
	if err != nil || len(list) != 1 || list[0].UserAgent != agent || list[0].Hints.Model != model {
		t.Errorf("got %+v, %v", list, err)
	}
}
