package adaptertest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

var tokens = regexp.MustCompile(`[A-Za-z0-9_-]{64}`)

// masked replaces tokens, of which no two are alike.
func masked(lines []string) []string {
	lines = slices.Clone(lines)
	for i := range lines {
		lines[i] = tokens.ReplaceAllString(lines[i], "TOKEN")
	}
	return lines
}

// golden is what the manager asks of the response in which f was called for a visitor without a session.
func (e *env) golden(f func(session.Session)) session.Effect {
	return e.effect(new(memory.Store), "", f)
}

// goldenEnd is what the manager asks of the response in which a session ends.
func (e *env) goldenEnd() session.Effect {
	s := new(memory.Store)
	value, _, _ := strings.Cut(e.effect(s, "", login("alice")).Value, ";")
	return e.effect(s, value, session.Session.Logout)
}

// Effects of requests.
func nothing(session.Session) {}

func login(user string) func(session.Session) {
	return func(s session.Session) { s.Login(user) }
}

func set(text string) func(session.Session) {
	return func(s session.Session) { note.Set(s, text) }
}

// tells ends the case unless the header that carries tokens is in a as want has it, byte by byte, but for the token.
func (e *env) tells(what string, a *answer, want session.Effect) {
	name := e.responseHeader()
	lines := http.Header{}
	want.Apply(lines)
	if got, want := masked(a.header[name]), masked(lines[name]); !slices.Equal(got, want) {
		e.Fatalf("%s: %s is %q, want %q", what, name, got, want)
	}
}

// responseHeader is the name of the header that carries tokens, and of which an application may have its own lines.
func (e *env) responseHeader() string {
	if e.sc.Header != "" {
		return http.CanonicalHeaderKey(e.sc.Header)
	}
	return "Set-Cookie"
}

// once ends the case unless a has one token, or takes one back once.
func (e *env) once(what string, a *answer) {
	if got := a.header[e.responseHeader()]; len(got) != 1 {
		e.Fatalf("%s: %s is %q, want one line", what, e.responseHeader(), masked(got))
	}
}

// silent ends the case if a has a token, or takes one back.
func (e *env) silent(what string, a *answer) {
	if got := a.header[e.responseHeader()]; len(got) != 0 {
		e.Fatalf("%s: %s is %q, want none", what, e.responseHeader(), masked(got))
	}
}

// field returns the lines of a list as one.
func (a *answer) field(name string) string { return strings.Join(a.header.Values(name), ", ") }
