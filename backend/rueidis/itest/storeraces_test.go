package itest

import (
	"context"
	"fmt"
	"math/bits"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	sessions "github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// A gated client sends a request when it is let, and says when it has the answer.
type gated struct {
	rueidis.Client
	enter, leave chan struct{}
}

func newGated(c rueidis.Client) *gated {
	return &gated{Client: c, enter: make(chan struct{}), leave: make(chan struct{})}
}

func (g *gated) Do(ctx context.Context, cmd rueidis.Completed) rueidis.RedisResult {
	<-g.enter
	defer func() { g.leave <- struct{}{} }()
	return g.Client.Do(ctx, cmd)
}

func (g *gated) DoMulti(ctx context.Context, cmds ...rueidis.Completed) []rueidis.RedisResult {
	<-g.enter
	defer func() { g.leave <- struct{}{} }()
	return g.Client.DoMulti(ctx, cmds...)
}

// interleave runs two actors, request by request, in the order that the bits of schedule say, and returns how many
// requests each made. An actor that has ended leaves the rest to the other.
func interleave(schedule uint, clients [2]*gated, actors [2]func()) (made [2]int) {
	var ended [2]chan struct{}
	for i, actor := range actors {
		ended[i] = make(chan struct{})
		go func() {
			defer close(ended[i])
			actor()
		}()
	}
	for running := [2]bool{true, true}; running[0] || running[1]; schedule >>= 1 {
		i := int(schedule & 1)
		if !running[i] {
			i = 1 - i
		}
		select {
		case clients[i].enter <- struct{}{}:
			<-clients[i].leave
			made[i]++
		case <-ended[i]:
			running[i] = false
		}
	}
	return made
}

const header = "X-Session"

// managers returns two processes of an application, and the store behind.
func managers(t *testing.T, url string) (clients [2]*gated, ms [2]*sessions.Manager, s *rueidisstore.Store) {
	t.Helper()
	name := prefix()
	for i := range ms {
		clients[i] = newGated(client(t, url))
		m, err := sessions.New(storeOver(t, clients[i], name), sessions.Config{Header: header})
		if err != nil {
			t.Fatal(err)
		}
		ms[i] = m
	}
	return clients, ms, openStore(t, url, rueidisstore.Config{Prefix: name})
}

// TestRevokeUserAgainstLogin: SEC-11, CVE-11. In every order of the requests of a login and of a RevokeUser that begins
// after it, the login does not survive: neither one that creates a session, nor one of a session that was there.
func TestRevokeUserAgainstLogin(t *testing.T) {
	cart := sessions.Key[string]("cart")
	for _, c := range []struct {
		servers string
		visited bool
	}{{"single", false}, {"single", true}, {"cluster", false}, {"cluster", true}} {
		t.Run(fmt.Sprintf("%s, visited=%t", c.servers, c.visited), func(t *testing.T) {
			t.Parallel()
			clients, ms, s := managers(t, servers[c.servers](t))
			free, err := sessions.New(s, sessions.Config{Header: header})
			if err != nil {
				t.Fatal(err)
			}
			runs, seen := 0, map[string]int{}
			const steps = 10
			for schedule := range uint(1 << steps) {
				if bits.OnesCount(schedule) > 6 || steps-bits.OnesCount(schedule) > 6 {
					continue // the same as another one: no actor has more requests
				}
				user := fmt.Sprint("user", schedule)
				var token string
				if c.visited {
					token = request(t, free, "", func(_ context.Context, s sessions.Session) { cart.Set(s, "x") })
				}
				ctx, _ := ms[0].Start(t.Context(), sessions.Client{}, header0(token)...)
				for began := time.Now(); time.Since(began) <= time.Microsecond; { // the request began before the revocation
				}
				var loginErr, revokeErr error
				made := interleave(schedule, clients, [2]func(){
					func() {
						s, err := ms[0].From(ctx)
						if err != nil {
							loginErr = err
							return
						}
						s.Login(user)
						effect, err := ms[0].Commit(ctx)
						if loginErr = err; err == nil {
							token = effect.Value
						}
						ms[0].Close(ctx)
					},
					func() { _, revokeErr = ms[1].RevokeUser(t.Context(), user) },
				})
				if revokeErr != nil {
					t.Fatalf("schedule %b: RevokeUser: %v", schedule, revokeErr)
				}
				for _, r := range listed(t, s, store.Query{User: user}) {
					t.Fatalf("schedule %b: the login survives in %v", schedule, r.ID)
				}
				if token != "" && loginErr == nil {
					request(t, free, token, func(_ context.Context, s sessions.Session) {
						if s.User() != "" {
							t.Fatalf("schedule %b: the token of the login is accepted", schedule)
						}
					})
				}
				seen[fmt.Sprint(made, loginErr == nil)]++
				runs++
			}
			t.Logf("%d orders; requests of login and revocation, whether the login was accepted at first: %v", runs, seen)
		})
	}
}

func header0(token string) []string {
	if token == "" {
		return nil
	}
	return []string{token}
}

// request runs one request and returns the token that is valid after it.
func request(t *testing.T, m *sessions.Manager, token string, f func(ctx context.Context, s sessions.Session)) string {
	t.Helper()
	ctx, _ := m.Start(t.Context(), sessions.Client{}, header0(token)...)
	defer m.Close(ctx)
	s, err := m.From(ctx)
	if err != nil {
		t.Fatal(err)
	}
	f(ctx, s)
	effect, err := m.Commit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if effect.Name != "" && strings.EqualFold(effect.Name, header) {
		return effect.Value
	}
	return token
}

// TestCrash: whatever request a process dies at, no record is out of reach of DeleteUser, and a second
// one names what the first one removed.
func TestCrash(t *testing.T) {
	url := redisURL(t)
	c := client(t, url)
	for what, prepare := range map[string]func(s *rueidisstore.Store, user string) func(s *rueidisstore.Store) error{
		"Create": func(_ *rueidisstore.Store, user string) func(s *rueidisstore.Store) error {
			return func(s *rueidisstore.Store) error { return s.Create(t.Context(), session(user)) }
		},
		"Save that binds": func(s *rueidisstore.Store, user string) func(s *rueidisstore.Store) error {
			r := create(t, s, session(""))
			r.User, r.AuthenticatedAt = user, r.CreatedAt
			return func(s *rueidisstore.Store) error { return s.Save(t.Context(), r) }
		},
		"Delete": func(s *rueidisstore.Store, user string) func(s *rueidisstore.Store) error {
			ids := created(t, s, user, 300)
			return func(s *rueidisstore.Store) error { return s.Delete(t.Context(), ids...) }
		},
		"DeleteUser": func(s *rueidisstore.Store, user string) func(s *rueidisstore.Store) error {
			created(t, s, user, 300)
			return func(s *rueidisstore.Store) error {
				_, err := s.DeleteUser(t.Context(), user, session("").CreatedAt)
				return err
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			for steps := int64(0); ; steps++ {
				name, user := prefix(), "ann"
				whole := storeOver(t, c, name)
				act := prepare(whole, user)
				dying := &crashing{Client: c}
				dying.left.Store(steps)
				err := act(storeOver(t, dying, name))
				bound := 0
				for _, key := range keys(t, c, recordKey(name, store.ID{})+"*") {
					if value, _ := command(t, c, "GET", key).ToString(); value[0] == 'R' && value[43] > 0 {
						bound++
					}
				}
				if got := len(listed(t, whole, store.Query{User: user})); got != bound {
					t.Fatalf("after %d requests of %s: %d sessions of the user are listed, %d are there", steps, what, got, bound)
				}
				before := len(keys(t, c, recordKey(name, store.ID{})+"*"))
				named := len(deleteUser(t, whole, user))
				if anonymous := what == "Save that binds" && bound == 0; !anonymous && named != before {
					t.Fatalf("after %d requests of %s: %d sessions are named, %d were there", steps, what, named, before)
				}
				if err == nil {
					t.Logf("%s: %d requests", what, steps)
					return
				}
			}
		})
	}
}

// keys returns the keys that match a pattern.
func keys(tb testing.TB, c rueidis.Client, pattern string) (all []string) {
	tb.Helper()
	all, err := command(tb, c, "KEYS", pattern).AsStrSlice()
	if err != nil {
		tb.Fatal(err)
	}
	return all
}
