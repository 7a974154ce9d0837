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

// tells ends the case unless the header that carries tokens is in a as want has it, byte by byte, but for the token. own has
// the lines that the application has added.
func (e *env) tells(what string, a *answer, want session.Effect, own ...string) {
	name := "Set-Cookie"
	if e.sc.Header != "" {
		name = http.CanonicalHeaderKey(e.sc.Header)
	}
	lines := slices.Clone(own)
	if want.Name != "" {
		lines = append(lines, want.Value)
	}
	if got, want := masked(a.header[name]), masked(lines); !slices.Equal(sorted(got), sorted(want)) {
		e.Fatalf("%s: %s is %q, want %q", what, name, got, want)
	}
}

func sorted(s []string) []string { slices.Sort(s); return s }

// silent ends the case if a has a token, or takes one back.
func (e *env) silent(what string, a *answer) { e.tells(what, a, session.Effect{}) }

// field returns the lines of a list as one.
func (a *answer) field(name string) string { return strings.Join(a.header.Values(name), ", ") }
