package itest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	pathpkg "path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/schema_validation"

	"github.com/qsessions/qsessions/core/session"
)

// A node is a part of the document.
type node = map[string]any

func readDocument(t testing.TB) node {
	t.Helper()
	b, err := os.ReadFile("../pages/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var d node
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// closed forbids members that the document does not describe. The document itself allows them in responses, as a later
// version may have more: a client should not break then. A test should (CVE-37).
func closed(d node) node {
	for _, schema := range schemas(d) {
		if s := schema.(node); s["properties"] != nil {
			s["additionalProperties"] = false
		}
	}
	return d
}

func schemas(d node) node { return d["components"].(node)["schemas"].(node) }

// A checker holds trips against a document.
type checker struct {
	validator.Validator
	problem func([]byte) (bool, []*errors.ValidationError)
}

func newChecker(d node) (*checker, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	document, err := libopenapi.NewDocument(b)
	if err != nil {
		return nil, err
	}
	options := []config.Option{config.WithFormatAssertions()}
	v, errs := validator.NewValidator(document, options...)
	if len(errs) > 0 {
		return nil, fmt.Errorf("%v", errs)
	}
	model, err := document.BuildV3Model()
	if err != nil {
		return nil, err
	}
	problem := model.Model.Components.Schemas.GetOrZero("Problem").Schema()
	return &checker{v, func(b []byte) (bool, []*errors.ValidationError) {
		return schema_validation.NewSchemaValidator(options...).ValidateSchemaBytes(problem, b)
	}}, nil
}

// check says what is wrong with a trip, or "".
func (c *checker) check(e trip) string {
	request, response := e.replay()
	var ok bool
	var errs []*errors.ValidationError
	switch e.response.StatusCode {
	case http.StatusMethodNotAllowed: // of no operation
		ok, errs = c.problem(e.received)
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		ok, errs = c.ValidateHttpResponse(request, response) // the request is not as it should be
	default:
		ok, errs = c.ValidateHttpRequestResponse(request, response)
	}
	if ok {
		return ""
	}
	var all []string
	for _, e := range errs {
		all = append(all, e.Message+": "+e.Reason)
		for _, s := range e.SchemaValidationErrors {
			all = append(all, s.FieldPath+" "+s.Reason)
		}
	}
	return fmt.Sprintf("%s %s: %d %s\n%s", request.Method, request.URL, response.StatusCode, e.received, strings.Join(all, "\n"))
}

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
	count := tr.send(c, 200, post, admin+"revoke", `{"filter":{"user":"bob","state":"active","kind":"users","own":false,"ip":"198.51.100.1","text":"tehran"},"dry_run":true}`)
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
	for _, o := range operations(readDocument(t)) {
		target, body := strings.ReplaceAll(o.path, "{id}", a.add(t, a.sessions, "alice", nil)), ""
		isAdmin, method := strings.HasPrefix(target, admin), strings.ToUpper(o.method)
		user := alice
		if isAdmin {
			user = olga
		}
		if o.id == "revokeSessions" {
			body = `{"filter":{"kind":"anonymous"}}`
		}
		if tr.send(user, 400, method, target+"?nothing=1", body); strings.Contains(o.path, "{id}") {
			tr.send(user, 404, method, strings.ReplaceAll(o.path, "{id}", "00000000-0000-7000-8000-000000000000"), body)
		}
		tr.send(nobody, 401, method, target, body)
		if isAdmin {
			tr.send(alice, 403, method, target, body) // no operator
		} else if o.id != "signOut" {
			tr.send(old, 403, method, target, body)
		}
		if method == post {
			tr.send(user, 403, method, target, body, "Sec-Fetch-Site", "cross-site")
		}
		tr.send(&client{a.bare, header, user.token}, 500, method, target, body)
		if o.responses["501"] != nil {
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

// An operation of the document.
type operation struct {
	path, method, id string
	parameters       []string // of the query
	responses        node
}

// matches reports whether r is for o.
func (o operation) matches(r *http.Request) bool {
	before, after, isID := strings.Cut(o.path, "{id}")
	path := r.URL.Path
	if r.Method != strings.ToUpper(o.method) || !isID {
		return r.Method == strings.ToUpper(o.method) && path == o.path
	}
	return len(path) == len(before)+36+len(after) && strings.HasPrefix(path, before) && strings.HasSuffix(path, after)
}

func operations(d node) (all []operation) {
	paths := d["paths"].(node)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for method, o := range paths[path].(node) {
			if method != "parameters" {
				o := o.(node)
				var names []string
				list, _ := o["parameters"].([]any)
				for _, p := range list {
					names = append(names, pathpkg.Base(p.(node)["$ref"].(string)))
				}
				all = append(all, operation{path, method, o["operationId"].(string), names, o["responses"].(node)})
			}
		}
	}
	return all
}

// TestOpenAPI: the document is valid OpenAPI 3.1, and what clients of either transport exchange with the handlers is as it
// says, problems included; everything that it describes occurs. CVE-37: a member that it does not have fails. CVE-35,
// SEC-23: no response has the token.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	document := closed(readDocument(t))
	c, err := newChecker(document)
	if err != nil {
		t.Fatal(err)
	}
	if ok, errs := c.ValidateDocument(); !ok {
		t.Fatalf("the document is not valid: %v", errs)
	}
	for name, header := range map[string]string{"cookie": "", "header": "Authorization"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trips := record(t, header)
			for _, e := range trips {
				if fault := c.check(e); fault != "" {
					t.Error(fault)
				}
			}
			if missing := unseen(document, trips); len(missing) > 0 {
				t.Errorf("the document describes what no request has met: %v", missing)
			}
		})
	}
}

// unseen returns the responses, parameters and types of problems that the document has and no trip.
func unseen(document node, trips []trip) (missing []string) {
	seen := map[string]bool{}
	for _, e := range trips {
		for _, o := range operations(document) {
			if o.matches(e.request) {
				seen[o.id+" "+strconv.Itoa(e.response.StatusCode)] = true
				for name := range e.request.URL.Query() {
					seen[o.id+" "+name] = seen[o.id+" "+name] || e.response.StatusCode == http.StatusOK
				}
			}
		}
		var problem struct{ Type string }
		if json.Unmarshal(e.received, &problem) == nil {
			seen[problem.Type] = true
		}
	}
	var described []string
	for _, o := range operations(document) {
		for status := range o.responses {
			described = append(described, o.id+" "+status)
		}
		for _, name := range o.parameters {
			described = append(described, o.id+" "+name)
		}
	}
	for _, name := range schemas(document)["Problem"].(node)["properties"].(node)["type"].(node)["enum"].([]any) {
		described = append(described, name.(string))
	}
	slices.Sort(described)
	return slices.DeleteFunc(described, func(what string) bool { return seen[what] })
}

// TestOpenAPINotices: a document that lacks a member, or a response that has one more, is found out; so is an address, a
// response or a parameter that nothing uses.
func TestOpenAPINotices(t *testing.T) {
	t.Parallel()
	all := record(t, "")
	trips := slices.DeleteFunc(slices.Clone(all), func(e trip) bool { // problems are alike, but that of what is half done
		return e.response.StatusCode >= 400 && !bytes.Contains(e.received, []byte(`"ended"`))
	})
	fails := func(d node, trips []trip) bool {
		for _, o := range operations(d) { // the validator prepares each, and this makes many validators
			maps.DeleteFunc(o.responses, func(status string, _ any) bool {
				return status >= "400" && !(o.id == "revokeSessions" && status == "503")
			})
		}
		c, err := newChecker(d)
		if err != nil {
			return true
		}
		defer c.Release()
		return slices.ContainsFunc(trips, func(e trip) bool { return c.check(e) != "" })
	}
	if fails(closed(readDocument(t)), trips) {
		t.Fatal("the document itself fails")
	}
	members := 0
	for name, schema := range schemas(readDocument(t)) {
		properties, _ := schema.(node)["properties"].(node)
		for member := range properties {
			d := closed(readDocument(t))
			s := schemas(d)[name].(node)
			delete(s["properties"].(node), member)
			if required, ok := s["required"].([]any); ok {
				s["required"] = slices.DeleteFunc(required, func(r any) bool { return r == member })
			}
			if members++; !fails(d, trips) {
				t.Errorf("%s.%s can be left out of the document: no request or response has it", name, member)
			}
		}
	}
	if members < 60 {
		t.Errorf("found only %d members", members)
	}

	c, err := newChecker(closed(readDocument(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range trips {
		for n := range bytes.Count(e.received, []byte("{")) {
			leaky := e
			leaky.received = insert(e.received, n)
			if c.check(leaky) == "" && !bytes.Contains(leaky.received, []byte(`"facts":{"token"`)) {
				t.Fatalf("nothing is wrong with %s", leaky.received)
			}
		}
	}

	d := readDocument(t)
	d["paths"].(node)[account].(node)["get"].(node)["responses"].(node)["418"] = node{"description": "A teapot."}
	d["paths"].(node)[account+"count"] = node{"get": node{"operationId": "count", "responses": node{"200": node{"description": "A count."}}}}
	if got, want := unseen(d, all), []string{"count 200", "listOwnSessions 418"}; !slices.Equal(got, want) {
		t.Errorf("unseen are %v, want %v", got, want)
	}
	d = closed(readDocument(t))
	delete(d["paths"].(node), account+"sign-out")
	if !fails(d, trips) {
		t.Error("an address can be left out of the document")
	}
}

// insert gives the nth object of a text a member.
func insert(b []byte, n int) []byte {
	at := -1
	for range n + 1 {
		at += 1 + bytes.IndexByte(b[at+1:], '{')
	}
	member := []byte(`"token":"x",`)
	if b[at+1] == '}' {
		member = member[:len(member)-1]
	}
	return slices.Concat(b[:at+1], member, b[at+1:])
}
