package itest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A node is an object of the document.
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
	closeSchemas(d)
	return d
}

func closeSchemas(v any) {
	switch v := v.(type) {
	case node:
		if v["type"] == "object" && v["properties"] != nil {
			v["additionalProperties"] = false
		}
		for _, member := range v {
			closeSchemas(member)
		}
	case []any:
		for _, element := range v {
			closeSchemas(element)
		}
	}
}

func schemas(d node) node { return d["components"].(node)["schemas"].(node) }

// A part of the document, and where it is: a JSON pointer, as a fragment (RFC 6901, section 6).
type part struct {
	document node
	pointer  string
	value    any // nil: there is no such part
}

// at returns what is below p, by the names that lead there. It follows references on the way, but not the last.
func (p part) at(names ...string) part {
	for _, name := range names {
		p = p.target()
		p.pointer += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
		switch v := p.value.(type) {
		case node:
			p.value = v[name]
		case []any:
			n, err := strconv.Atoi(name)
			if p.value = nil; err == nil && n < len(v) {
				p.value = v[n]
			}
		default:
			p.value = nil
		}
	}
	return p
}

func (p part) target() part {
	if n, ok := p.value.(node); ok {
		if ref, ok := n["$ref"].(string); ok {
			return part{p.document, "", p.document}.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...).target()
		}
	}
	return p
}

// text is the value of a member; "": there is none.
func (p part) text(name string) string {
	s, _ := p.at(name).value.(string)
	return s
}

// elements returns those of a list, with references followed.
func (p part) elements() (all []part) {
	list, _ := p.value.([]any)
	for n := range list {
		all = append(all, p.at(strconv.Itoa(n)).target())
	}
	return all
}

// An operation of the document.
type operation struct {
	part
	path, method string
	item         part // whose parameters are those of all operations of the path
}

// operations returns all of them, by path.
func operations(d node) (all []operation) {
	for path, item := range d["paths"].(node) {
		p := part{d, "", d}.at("paths", path)
		for method := range item.(node) {
			if method != "parameters" {
				all = append(all, operation{p.at(method), path, strings.ToUpper(method), p})
			}
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}

func (o operation) id() string { return o.text("operationId") }

// responses are those of the document, by status.
func (o operation) responses() node {
	n, _ := o.at("responses").value.(node)
	return n
}

func (o operation) parameters() []part {
	return append(o.item.at("parameters").elements(), o.at("parameters").elements()...)
}

// find returns the operation that r is for, with the parameters in its path, and whether there is one. A path without
// parameters comes before those with.
func find(d node, r *http.Request) (o operation, parameters map[string]string, ok bool) {
	_, plain := d["paths"].(node)[r.URL.Path]
	for _, o := range operations(d) {
		parameters, ok := match(o.path, r.URL.Path)
		if ok && o.method == r.Method && (o.path == r.URL.Path || !plain) {
			return o, parameters, true
		}
	}
	return operation{}, nil, false
}

// match returns what a path has in the place of names in braces.
func match(template, path string) (parameters map[string]string, ok bool) {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	parameters = map[string]string{}
	for i, segment := range want {
		name, isParameter := strings.CutPrefix(segment, "{")
		if isParameter && got[i] != "" {
			parameters[strings.TrimSuffix(name, "}")] = got[i]
		} else if segment != got[i] {
			return nil, false
		}
	}
	return parameters, true
}
