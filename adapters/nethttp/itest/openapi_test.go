package itest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestOpenAPI: what clients of either transport exchange with the handlers is as the document says, problems included;
// everything that it describes occurs. CVE-37: a member that it does not have fails. CVE-35, SEC-23: no response has the
// token.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{"cookie": "", "header": "Authorization"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document := closed(readDocument(t))
			c, err := newChecker(document)
			if err != nil {
				t.Fatal(err)
			}
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
		if o, inPath, ok := find(document, e.request); ok {
			seen[o.id()+" "+strconv.Itoa(e.response.StatusCode)] = true
			if e.response.StatusCode == http.StatusOK {
				for name := range e.request.URL.Query() {
					seen[o.id()+" "+name] = true
				}
				for name := range inPath {
					seen[o.id()+" "+name] = true
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
		for status := range o.responses() {
			described = append(described, o.id()+" "+status)
		}
		for _, p := range o.parameters() {
			described = append(described, o.id()+" "+p.text("name"))
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
	trips := record(t, "")
	fails := func(d node) bool {
		c, err := newChecker(d)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(trips, func(e trip) bool { return c.check(e) != "" })
	}
	if fails(closed(readDocument(t))) {
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
			if members++; !fails(d) {
				t.Errorf("%s.%s can be left out of the document: no request or response has it", name, member)
			}
		}
	}
	if members < 60 {
		t.Errorf("found only %d members", members)
	}
	for _, o := range operations(readDocument(t)) {
		d := readDocument(t)
		delete(d["paths"].(node)[o.path].(node), strings.ToLower(o.method))
		if !fails(d) {
			t.Errorf("%s can be left out of the document", o.id())
		}
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
	parameters := d["paths"].(node)[admin].(node)["get"].(node)
	parameters["parameters"] = append(parameters["parameters"].([]any), node{"name": "page", "in": "query"})
	if got, want := unseen(d, trips), []string{"count 200", "listOwnSessions 418", "listSessions page"}; !slices.Equal(got, want) {
		t.Errorf("unseen are %v, want %v", got, want)
	}
}

// TestOpenAPIFaults: each kind of mistake in a request or a response is found, wherever it can be made.
func TestOpenAPIFaults(t *testing.T) {
	t.Parallel()
	c, err := newChecker(closed(readDocument(t)))
	if err != nil {
		t.Fatal(err)
	}
	received := func(from, to string) func(*trip) bool {
		return func(e *trip) bool {
			before := e.received
			e.received = bytes.ReplaceAll(e.received, []byte(from), []byte(to))
			return !bytes.Equal(e.received, before)
		}
	}
	target := func(from, to string) func(*trip) bool {
		return func(e *trip) bool {
			before := *e.request.URL
			e.request.URL.Path = strings.Replace(before.Path, from, to, 1)
			e.request.URL.RawQuery = strings.Replace(before.RawQuery, from, to, 1)
			return *e.request.URL != before
		}
	}
	responses := map[string]func(*trip) bool{
		"date-time":  received(`"created_at":"2`, `"created_at":"x2`),
		"uuid":       received(`"id":"0`, `"id":"x`),
		"type":       received(`"ended":1`, `"ended":"1"`),
		"enum":       received(`problems.md#forbidden`, `problems.md#forbid`),
		"required":   received(`"current":false,`, ``),
		"two values": received("}\n", "}{}"),
		"response's type": func(e *trip) bool {
			e.response.Header.Set("Content-Type", "text/plain")
			return true
		},
		"status": func(e *trip) bool {
			e.response.StatusCode = 299
			return true
		},
		"header": func(e *trip) bool {
			defer e.response.Header.Set("Retry-After", "soon")
			return e.response.Header.Get("Retry-After") != ""
		},
		"no header": func(e *trip) bool {
			defer e.response.Header.Del("Retry-After")
			return e.response.Header.Get("Retry-After") != ""
		},
	}
	requests := map[string]func(*trip) bool{
		"minimum":          target("limit=1", "limit=0"),
		"boolean":          target("own=true", "own=1"),
		"state":            target("state=active", "state=dead"),
		"after":            target("after=0", "after=x"),
		"twice":            target("limit=1", "limit=1&limit=1"),
		"unknown":          target("text=", "txt="),
		"id":               target("api/0", "api/x"),
		"path":             target("/api/", "/api/api/"),
		"request":          func(e *trip) bool { return replace(&e.sent, `"ids"`, `"idz"`) },
		"request's member": func(e *trip) bool { return replace(&e.sent, `"user":`, `"usr":`) },
		"no request":       func(e *trip) bool { return e.sent != "" && replace(&e.sent, e.sent, "") },
		"a request":        func(e *trip) bool { return e.sent == "" && replace(&e.sent, "", "{}") },
		"request's type": func(e *trip) bool {
			e.request.Header.Set("Content-Type", "text/plain")
			return e.sent != ""
		},
		"no token": func(e *trip) bool {
			e.request.Header.Del("Cookie")
			return true
		},
	}
	trips := record(t, "")
	for _, all := range []map[string]func(*trip) bool{requests, responses} {
		for name, spoil := range all {
			spoiled := 0
			for _, e := range trips {
				if e = e.clone(); requests[name] != nil && e.wrong() || !spoil(&e) {
					continue
				}
				if spoiled++; c.check(e) == "" {
					t.Errorf("%s: nothing is wrong with %s %s %q: %d %s", name, e.request.Method, e.request.URL, e.sent, e.response.StatusCode, e.received)
				}
			}
			if spoiled == 0 {
				t.Errorf("%s: nothing can be spoiled", name)
			}
		}
	}
}

func replace(s *string, from, to string) bool {
	before := *s
	*s = strings.Replace(before, from, to, 1)
	return *s != before
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
