package itest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A checker holds trips against a document. It is not safe for concurrent use.
type checker struct {
	document part
	compiler *jsonschema.Compiler
	faults   []string // of this trip
}

const address = "https://example.test/openapi.json" // what schemas are compiled by; it is never asked for

func newChecker(d node) (*checker, error) {
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020) // that of OpenAPI 3.1
	compiler.AssertFormat()
	return &checker{document: part{d, "", d}, compiler: compiler}, compiler.AddResource(address, d)
}

func (c *checker) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// check says what is wrong with a trip, or "".
func (c *checker) check(e trip) string {
	c.faults = nil
	status := e.response.StatusCode
	o, inPath, found := find(c.document.document, e.request)
	switch {
	case !found && status == http.StatusMethodNotAllowed:
		if media(e.response.Header) != "application/problem+json" {
			c.fault("Content-Type %q", media(e.response.Header))
		}
		c.text(c.document.at("components", "schemas", "Problem"), e.received)
	case !found:
		c.fault("no such operation")
	default:
		if !e.wrong() {
			c.request(o, inPath, e)
		}
		c.response(o, e)
	}
	if len(c.faults) == 0 {
		return ""
	}
	return fmt.Sprintf("%s %s %s: %d %s\n%s", e.request.Method, e.request.URL, e.sent, status, e.received, strings.Join(c.faults, "\n"))
}

func (c *checker) request(o operation, inPath map[string]string, e trip) {
	if !c.authenticated(e.request) {
		c.fault("the request has no token as the document describes it")
	}
	query := e.request.URL.Query()
	for _, p := range o.parameters() {
		name := p.text("name")
		var given []string
		switch p.text("in") {
		case "path":
			if value, ok := inPath[name]; ok {
				given = []string{value}
			}
			delete(inPath, name)
		case "query":
			given = query[name]
			query.Del(name)
		default:
			c.fault("parameter %s: a test for those in %q is missing", name, p.text("in"))
		}
		c.plain("parameter "+name, p, given)
	}
	for _, name := range append(slices.Collect(maps.Keys(query)), slices.Collect(maps.Keys(inPath))...) {
		c.fault("parameter %s is not described", name)
	}
	body := o.at("requestBody").target()
	if e.sent == "" {
		if body.at("required").value == true {
			c.fault("the request has no body")
		}
		return
	}
	c.content(body, e.request.Header, []byte(e.sent))
}

func (c *checker) response(o operation, e trip) {
	r := o.at("responses", strconv.Itoa(e.response.StatusCode)).target()
	if r.value == nil {
		c.fault("%s: status %d is not described", o.id(), e.response.StatusCode)
		return
	}
	headers, _ := r.at("headers").value.(node)
	for name := range headers {
		c.plain("header "+name, r.at("headers", name).target(), e.response.Header.Values(name))
	}
	c.content(r, e.response.Header, e.received)
}

// authenticated reports whether r has what one of the security schemes asks for.
func (c *checker) authenticated(r *http.Request) bool {
	for _, requirement := range c.document.at("security").elements() {
		for name := range requirement.value.(node) {
			scheme := c.document.at("components", "securitySchemes", name)
			switch scheme.text("type") + " " + scheme.text("in") + scheme.text("scheme") {
			case "apiKey cookie":
				if _, err := r.Cookie(scheme.text("name")); err == nil {
					return true
				}
			case "http bearer":
				if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
					return true
				}
			}
		}
	}
	return false
}

// plain checks the values of a parameter or a header, of which there is one at most.
func (c *checker) plain(what string, p part, given []string) {
	if len(given) == 0 {
		if p.at("required").value == true {
			c.fault("%s is missing", what)
		}
		return
	}
	var value any = given[0]
	switch p.at("schema").text("type") {
	case "integer", "boolean": // in the form that JSON has, too; another is left a string, which is a fault
		if v, err := jsonschema.UnmarshalJSON(strings.NewReader(given[0])); err == nil {
			value = v
		}
	}
	if len(given) > 1 {
		c.fault("%s is there %d times", what, len(given))
	}
	c.value(p.at("schema"), value)
}

// content checks a body whose description is p.
func (c *checker) content(p part, header http.Header, body []byte) {
	schema := p.at("content", media(header), "schema")
	if schema.value == nil {
		c.fault("a body of Content-Type %q is not described", media(header))
		return
	}
	c.text(schema, body)
}

func media(header http.Header) string {
	m, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return m
}

func (c *checker) text(schema part, b []byte) {
	if !json.Valid(b) {
		c.fault("not JSON: %s", b)
		return
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		c.fault("%v", err)
		return
	}
	c.value(schema, v)
}

func (c *checker) value(schema part, v any) {
	s, err := c.compiler.Compile(address + "#" + schema.pointer)
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		c.fault("%v", err)
	}
}
