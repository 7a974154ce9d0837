package session

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// An Effect is what a commit asks of the response.
type Effect struct {
	Name, Value string // a header to add: Set-Cookie, or Config.Header; Name "" is none
	TakeBack    string // further Set-Cookie lines, separated by newlines, that take back cookies of other names and scopes
	Vary        string // a request header that the response depends on; "" is none
	Cache       string // the Cache-Control of a response that has none of its own; "" is none
}

// String shows which headers there are, and no token.
func (e Effect) String() string { return "header " + e.Name + ", vary " + e.Vary }

// Format implements [fmt.Formatter]: it is String for every verb.
func (e Effect) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.String()) }

// MarshalText implements [encoding.TextMarshaler], for loggers: it is String.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Header is a response's header; [net/http.Header] is one.
type Header interface {
	Values(name string) []string
	Add(name, value string)
	Set(name, value string)
}

// Apply writes e into h. Call it before the first byte of the response. A response with a token gets Cache-Control:
// no-store, one to a signed-in user Cache-Control: private, no-cache (or no-store, by Config.NoStore) unless it has a
// Cache-Control, and one that depends on the session gets Vary, whatever its status is: else a shared cache could hand one
// client's response to another.
func (e Effect) Apply(h Header) {
	if e.Vary != "" {
		switch had := h.Values("Vary"); {
		case len(had) == 0:
			h.Set("Vary", e.Vary)
		case !listed(had, e.Vary) && !listed(had, "*"):
			h.Set("Vary", strings.Join(append(slices.Clip(had), e.Vary), ", ")) // in one line: there are caches that read no more
		}
	}
	if e.Name == "" && e.TakeBack == "" {
		if e.Cache != "" && len(h.Values("Cache-Control")) == 0 {
			h.Set("Cache-Control", e.Cache)
		}
		return
	}
	for e.TakeBack != "" {
		var line string
		line, e.TakeBack, _ = strings.Cut(e.TakeBack, "\n")
		h.Add("Set-Cookie", line)
	}
	switch e.Name {
	case "":
	case "Set-Cookie":
		h.Add(e.Name, e.Value)
	default:
		h.Set(e.Name, e.Value)
	}
	if !listed(h.Values("Cache-Control"), "no-store") {
		h.Set("Cache-Control", "no-store")
	}
}

// listed reports whether the comma-separated lists in lines have item.
func listed(lines []string, item string) bool {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), item) {
				return true
			}
		}
	}
	return false
}
