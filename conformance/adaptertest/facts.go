package adaptertest

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// hints are those of a Chrome, in the lines of a header.
var hints = []string{
	`Sec-CH-UA: "Chromium";v="118", "Google Chrome";v="118", "Not=A?Brand";v="99"`, "Sec-CH-UA-Mobile: ?1", `Sec-CH-UA-Platform: "Android"`,
	`Sec-CH-UA-Platform-Version: "14.0.0"`, `Sec-CH-UA-Model: "Pixel 7"`,
}

func clientCases() []Case {
	return []Case{
		{Name: "client/user-agent", Why: "A session has the User-Agent of its request, the first line of it, as the manager keeps it.", run: func(e *env) {
			e.site(session.Config{})
			for i, c := range []struct {
				lines []string
				want  string
			}{
				{nil, ""}, {[]string{""}, ""}, {[]string{"curl/8.0"}, "curl/8.0"}, {[]string{"first/1", "second/2"}, "first/1"},
				{[]string{strings.Repeat("long ", 200)}, strings.TrimSuffix(strings.Repeat("long ", 200), " ")}, {[]string{"bad \xff\xfe bytes"}, "bad \xff\xfe bytes"}, {[]string{"caf\u00e9 \U0001f600"}, "caf\u00e9 \U0001f600"},
				{[]string{`<script>"'&;,=%20`}, `<script>"'&;,=%20`},
			} {
				user := fmt.Sprint("user", i)
				var header []string
				for _, line := range c.lines {
					header = append(header, "User-Agent: "+line)
				}
				e.do("GET", "/login?user="+user, header...)
				if got, want := e.record(user).UserAgent, e.kept(session.Client{UserAgent: c.want}).UserAgent; got != want {
					e.Fatalf("User-Agent %q: the session has %.100q, want %.100q", c.lines, got, want)
				}
			}
		}},
		{Name: "client/address", Why: "A session has the address of the connection's peer, whatever headers say, where no proxy is trusted.", run: func(e *env) {
			e.site(session.Config{})
			e.do("GET", "/login?user=alice", "X-Forwarded-For: 198.51.100.7", "Forwarded: for=198.51.100.7", "X-Real-IP: 198.51.100.7", "CF-Connecting-IP: 198.51.100.7")
			if got := e.record("alice").IP; !got.IsLoopback() {
				e.Fatalf("the session has the address %v, want that of the peer", got)
			}
		}},
		{Name: "client/proxies", Why: "Behind trusted proxies a session has the address that they found, by all lines of their header.", run: func(e *env) {
			resolver, err := clientip.New(clientip.Config{Trusted: append(clientip.Private(), netip.MustParsePrefix("203.0.113.0/24"))})
			e.ok("a resolver", err)
			m := e.manager(session.Config{})
			e.serve(App{Managers: []*session.Manager{m}, Routes: usual(), ClientIP: resolver})
			for user, lines := range map[string][]string{
				"one":   {"X-Forwarded-For: 198.51.100.7"},
				"list":  {"X-Forwarded-For: 192.0.2.66, 198.51.100.7, 203.0.113.5"},
				"lines": {"X-Forwarded-For: 192.0.2.66", "X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 203.0.113.5"},
			} {
				e.do("GET", "/login?user="+user, lines...)
				if got := e.record(user).IP.String(); got != "198.51.100.7" {
					e.Fatalf("%q: the session has the address %v, want 198.51.100.7", lines, got)
				}
			}
		}},
		{Name: "client/hints", Needs: ClientHints, Why: "An adapter that is told to asks for client hints in every response, and keeps them.", run: func(e *env) {
			m := e.manager(session.Config{})
			e.serve(App{Managers: []*session.Manager{m}, Routes: usual(), ClientHints: true})
			for _, path := range []string{"/login?user=alice", "/unseen", "/nowhere"} {
				if got := e.do("GET", path, append([]string{"User-Agent: ua"}, hints...)...).field("Accept-CH"); got != session.AcceptCH {
					e.Fatalf("GET %s: Accept-CH is %q, want %q", path, got, session.AcceptCH)
				}
			}
			sent := map[string]string{}
			for _, line := range hints {
				name, value, _ := strings.Cut(line, ": ")
				sent[http.CanonicalHeaderKey(name)] = value
			}
			want := e.kept(session.Client{UserAgent: "ua", Hints: session.ReadHints(func(name string) string { return sent[name] })}).UserAgent
			if got := e.record("alice").UserAgent; got != want {
				e.Fatalf("the session has %q, want %q", got, want)
			}
		}},
		{Name: "client/no-hints", Why: "An adapter that is not told to neither asks for client hints nor keeps them.", run: func(e *env) {
			e.site(session.Config{})
			if got, ok := e.do("GET", "/login?user=alice", append([]string{"User-Agent: ua"}, hints...)...).header["Accept-Ch"]; ok {
				e.Fatalf("Accept-CH is %q, want none", got)
			}
			if got := e.record("alice").UserAgent; got != "ua" {
				e.Fatalf("the session has %q, want %q", got, "ua")
			}
		}},
		{Name: "client/keep-alive", Why: "What a session keeps of a request is byte-equal to what was sent, whatever comes after it on the same connection.", run: (*env).keepAlive},
		{Name: "client/in-flight", Why: "What a session keeps of a request is byte-equal to what was sent, whatever comes meanwhile.", run: (*env).inFlight},
	}
}

// record returns the one record of user.
func (e *env) record(user string) *store.Record {
	for r, err := range e.db.Store.List(e.ctx, store.Query{User: user, Data: true}) {
		e.ok("List", err)
		return r
	}
	e.Fatalf("%s has no session", user)
	return nil
}

// kept is what a manager keeps of a client.
func (e *env) kept(c session.Client) *store.Record {
	s := new(memory.Store)
	m, err := session.New(s, session.Config{})
	e.ok("a manager", err)
	ctx, _ := m.Start(e.ctx, c)
	defer m.Close(ctx)
	x, err := m.From(ctx)
	e.ok("From", err)
	x.Login("twin")
	_, err = m.Commit(ctx)
	e.ok("Commit", err)
	for r, err := range s.List(e.ctx, store.Query{}) {
		e.ok("List", err)
		return r
	}
	return nil
}

// keeping is a route that keeps as much of a request as it can; meanwhile is called in the middle.
func keeping(meanwhile func()) Route {
	return with("/keep", func(x Exchange, s session.Session) error {
		user, key, value := x.Query("user"), x.Query("key"), x.Header("X-Value")
		s.Login(user)
		session.Key[string](key).Set(s, value)
		meanwhile()
		return x.Send(200, "kept")
	})
}

// A visit is a request to keeping. No two are alike, and their texts have different lengths.
type visit struct{ user, key, value, userAgent string }

func newVisit(i int) visit {
	letter := string(rune('a' + i%26))
	return visit{
		user: fmt.Sprintf("user-%d-%s", i, strings.Repeat(letter, i%13)), key: fmt.Sprintf("key-%d-%s", i, strings.Repeat(letter, i%11)),
		value: fmt.Sprintf("value-%d-%s", i, strings.Repeat(letter, i%17)), userAgent: fmt.Sprintf("agent/%d (%s)", i, strings.Repeat(letter, i%29)),
	}
}

func (v visit) request(header ...string) request {
	return request{method: "GET", path: "/keep?user=" + v.user + "&key=" + v.key, header: append(header, "User-Agent: "+v.userAgent, "X-Value: "+v.value)}
}

// was reports what of v is not stored as it was sent, if anything.
func (e *env) was(v visit, b *browser) {
	r := e.record(v.user)
	if r.UserAgent != v.userAgent {
		e.Errorf("%s: the session has User-Agent %q, want %q", v.user, r.UserAgent, v.userAgent)
	}
	e.effect(&e.db.Store, b.prefix+b.token, func(s session.Session) {
		if got := session.Key[string](v.key).Get(s); s.User() != v.user || got != v.value {
			e.Errorf("the token of %s opens a session of %q with %q, want %q", v.user, s.User(), got, v.value)
		}
	})
}

// keepAlive sends requests of many browsers on one connection.
func (e *env) keepAlive() {
	e.site(session.Config{}, keeping(func() {}))
	w, err := e.dial()
	e.ok("dial", err)
	defer w.close()
	visits := make([]visit, 100)
	browsers := make([]*browser, len(visits))
	for i := range visits {
		visits[i], browsers[i] = newVisit(i), e.browser()
		e.ok("send", w.send(visits[i].request()))
		a, err := w.receive("GET")
		e.ok("receive", err)
		browsers[i].take(a)
	}
	for i, v := range visits {
		e.was(v, browsers[i])
		e.ok("send", w.send(request{method: "GET", path: "/get", header: []string{browsers[i].line(), "User-Agent: " + strings.Repeat("#", i)}}))
		a, err := w.receive("GET")
		e.ok("receive", err)
		e.answered("the session of "+v.user, a, 200, "user="+v.user+" note=")
	}
	e.Still()
}

// inFlight sends requests that are all there when the first one commits.
func (e *env) inFlight() {
	const n = 20
	meet := newGate(n)
	e.site(session.Config{}, keeping(func() { meet.wait(e.ctx) }))
	browsers := make([]*browser, n)
	fs := make([]func(), n)
	for i := range n {
		browsers[i] = e.browser()
		fs[i] = func() {
			a, err := e.try(newVisit(i).request())
			if err != nil {
				e.Errorf("request %d: %v", i, err)
				return
			}
			browsers[i].take(a)
		}
	}
	e.Together(fs...)
	e.Still()
	for i := range n {
		e.was(newVisit(i), browsers[i])
	}
	e.Still()
}
