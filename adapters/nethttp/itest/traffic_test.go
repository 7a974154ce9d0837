package itest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// A traffic is every kind of trip to the API.
type traffic struct {
	t     *testing.T
	trips []trip
}

// send sends a request, which must get the given status, and returns what the response has.
func (tr *traffic) send(c *client, want int, method, target, body string, header ...string) node {
	tr.t.Helper()
	request, response := c.do(tr.t, method, target, body, header...)
	b, err := io.ReadAll(response.Body)
	if err != nil {
		tr.t.Fatal(err)
	}
	if response.StatusCode != want {
		tr.t.Fatalf("%s %s: %d %s, want %d", method, target, response.StatusCode, b, want)
	}
	tr.trips = append(tr.trips, trip{request, body, response, b})
	var got node
	if err := json.Unmarshal(b, &got); err != nil {
		tr.t.Fatalf("%s %s: %v: %s", method, target, err, b)
	}
	if c.token != "" && bytes.Contains(b, []byte(c.token)) {
		tr.t.Fatalf("%s %s: the response has the token", method, target)
	}
	return got
}

const (
	get  = http.MethodGet
	post = http.MethodPost
)

// record calls every operation, in every way that the document describes.
func record(t *testing.T, header string) []trip {
	a := newApp(t, appOptions{header: header})
	tr := &traffic{t: t}
	tr.account(a, header)
	tr.admin(a, header)
	tr.refused(a, header)
	return tr.trips
}

func (tr *traffic) account(a *application, header string) {
	t := tr.t
	in := func() *client { return a.signIn(t, header, "alice", 0) }
	c, other := in(), in()
	page := tr.send(c, 200, get, account+"?limit=1", "")
	tr.send(c, 200, get, account+"?limit=200&after="+page["next"].(string), "")
	var otherID string
	for _, s := range tr.send(c, 200, get, account, "")["sessions"].([]any) {
		if s := s.(node); s["current"] == false {
			otherID = s["id"].(string)
		}
	}
	tr.send(c, 200, get, account+otherID, "")
	tr.send(c, 200, post, account+otherID+"/revoke", "")
	tr.send(other, 401, get, account, "")
	tr.send(c, 404, get, account+otherID, "")
	tr.send(c, 404, post, account+otherID+"/revoke", "")
	in()
	if got := tr.send(c, 200, post, account+"revoke-others", ""); got["ended"] != 1.0 {
		t.Errorf("revoke-others: %v", got)
	}
	tr.send(c, 200, get, account, "") // with the new token
	last := in()
	tr.send(last, 200, post, account+"sign-out", "")
	if last.token != "" {
		t.Errorf("after the sign-out the client has a token")
	}

	a.store.pending.Store(true)
	in()
	tr.send(c, 202, post, account+"revoke-others", "")
	id := a.add(t, a.sessions, "alice", nil)
	tr.send(c, 202, post, account+id+"/revoke", "")
	tr.send(c, 202, post, account+"sign-out", "")
	a.store.pending.Store(false)
}

func (tr *traffic) admin(a *application, header string) {
	t := tr.t
	other, err := session.New(a.store, session.Config{Keys: [][]byte{make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	many := map[string]string{"00": strings.Repeat("x", 5000)}
	for n := range 110 {
		many[strconv.Itoa(n)] = "value"
	}
	c := a.signIn(t, header, "olga", 0)
	corrupt, omitted := a.add(t, other, "carol", map[string]string{"a": "b"}), a.add(t, a.sessions, "bob", many)
	anonymous := a.add(t, a.sessions, "", map[string]string{"cart": "[]"})
	tr.send(c, 200, get, admin, "")
	tr.send(c, 200, get, admin+"?state=active&kind=users&own=true&user=olga&ip=192.0.2.0/24&text=android&limit=10&after="+anonymous, "")
	tr.send(c, 200, get, admin+"?text=tehran&limit=1", "")
	tr.send(c, 200, get, admin+"?find=everybody&state=all", "")
	for _, id := range []string{corrupt, omitted, anonymous} {
		tr.send(c, 200, get, admin+id, "")
	}
	tr.send(c, 200, post, admin+anonymous+"/revoke", "")
	tr.send(c, 404, post, admin+anonymous+"/revoke", "")
	tr.send(c, 404, get, admin+anonymous, "")
	ids := func(ids ...string) string {
		b, _ := json.Marshal(node{"ids": ids})
		return string(b)
	}
	if got := tr.send(c, 200, post, admin+"revoke", ids(corrupt, anonymous)); got["ended"] != 1.0 {
		t.Errorf("revoke by ids: %v", got)
	}
	for range 3 {
		a.add(t, a.sessions, "bob", nil)
	}
	tick()
	count := tr.send(c, 200, post, admin+"revoke", `{"filter":{"user":"bob","state":"active","kind":"users","own":false,"ip":"198.51.100.1","text":"tehran","find":"bob"},"dry_run":true}`)
	if count["count"] != 4.0 || count["more"] != false {
		t.Errorf("dry run: %v", count)
	}
	tick()
	a.add(t, a.sessions, "bob", nil) // after the dry run
	a.store.slow.Store(int64(2100 * time.Millisecond))
	first := tr.send(c, 200, post, admin+"revoke", `{"filter":{"user":"bob","text":"made up"},"after":"`+count["after"].(string)+`"}`)
	a.store.slow.Store(0)
	rest := tr.send(c, 200, post, admin+"revoke", `{"filter":{"user":"bob","text":"made up"},"after":"`+first["next"].(string)+`"}`)
	if first["ended"] != 1.0 || rest["ended"] != 3.0 || rest["next"] != nil {
		t.Errorf("revoke by a filter: %v, then %v", first, rest)
	}
	a.store.pending.Store(true)
	tr.send(c, 202, post, admin+"revoke", `{"filter":{"user":"bob"}}`)
	tr.send(c, 202, post, admin+a.add(t, a.sessions, "bob", nil)+"/revoke", "")
	// The store fails at the second of two.
	a.store.deletes.Store(2)
	half := tr.send(c, 503, post, admin+"revoke", ids(a.add(t, a.sessions, "bob", nil), a.add(t, a.sessions, "bob", nil)))
	if half["ended"] != 1.0 || half["effective_by"] == nil {
		t.Errorf("half done: %v", half)
	}
	a.store.deletes.Store(0)
	a.store.pending.Store(false)
	tr.send(c, 200, post, admin+"revoke", `{"filter":{},"everyone":true}`)

	tr.send(c, 400, post, admin+"revoke", `{"filter":{}}`)
	tr.send(c, 400, post, admin+"revoke", `{}`)
	tr.send(c, 413, post, admin+"revoke", `{"ids":["`+strings.Repeat("x", 100<<10)+`"]}`)
	tr.send(c, 415, post, admin+"revoke", "id="+anonymous, "Content-Type", "application/x-www-form-urlencoded")
}

// tick returns in another millisecond: that is how exactly ids are in order.
func tick() {
	for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; {
		runtime.Gosched()
	}
}

// refused sends to every operation what none answers.
func (tr *traffic) refused(a *application, header string) {
	t := tr.t
	alice, olga := a.signIn(t, header, "alice", 0), a.signIn(t, header, "olga", 0)
	old := a.signIn(t, header, "dave", time.Hour-time.Minute)
	unindexed := newApp(t, appOptions{header: header, unindexed: true})
	nobody := &client{handler: a.handler, header: header}
	again := a.signIn(t, header, "erin", 0)
	replaced := *again // has the token of before the second sign-in
	if again.do(t, post, "/sign-in?user=erin&age=0s", ""); again.token == replaced.token {
		t.Fatal("a sign-in replaces no token")
	}
	for _, o := range operations(readDocument(t)) {
		target, body := strings.ReplaceAll(o.path, "{id}", a.add(t, a.sessions, "alice", nil)), ""
		isAdmin, method := strings.HasPrefix(target, admin), o.method
		user := alice
		if isAdmin {
			user = olga
		}
		if o.id() == "revokeSessions" {
			body = `{"filter":{"kind":"anonymous"}}`
		}
		if tr.send(user, 400, method, target+"?nothing=1", body); strings.Contains(o.path, "{id}") {
			tr.send(user, 404, method, strings.ReplaceAll(o.path, "{id}", "00000000-0000-7000-8000-000000000000"), body)
		}
		tr.send(nobody, 401, method, target, body)
		tr.send(&client{a.handler, header, replaced.token}, 409, method, target, body)
		if isAdmin {
			tr.send(alice, 403, method, target, body) // no operator
		} else if o.id() != "signOut" {
			tr.send(old, 403, method, target, body)
		}
		if method == post {
			tr.send(user, 403, method, target, body, "Sec-Fetch-Site", "cross-site")
		}
		tr.send(&client{a.bare, header, user.token}, 500, method, target, body)
		if o.responses()["501"] != nil {
			tr.send(unindexed.signIn(t, header, user.who(t, alice), 0), 501, method, target, body)
		}
		for _, m := range []string{get, post, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
			if m != method {
				tr.send(user, 405, m, target, "")
			}
		}
		a.store.down.Store(true)
		tr.send(user, 503, method, target, body)
		a.store.down.Store(false)
	}
}

func (c *client) who(_ *testing.T, alice *client) string {
	if c == alice {
		return "alice"
	}
	return "olga"
}
