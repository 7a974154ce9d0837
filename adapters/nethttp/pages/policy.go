package pages

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// sourceDirectives are those of the Content-Security-Policy to which Config.Sources may add.
var sourceDirectives = []string{"connect-src", "font-src", "img-src", "manifest-src", "media-src", "script-src", "style-src"}

// checkSources validates Config.Sources: an address can smuggle in no other directive, and nothing that lets a page run
// scripts that it has in itself.
func checkSources(sources map[string][]string) error {
	for _, directive := range slices.Sorted(maps.Keys(sources)) {
		if !slices.Contains(sourceDirectives, directive) {
			return fmt.Errorf("pages: Config.Sources: %q is not one of %v", directive, sourceDirectives)
		}
		for _, source := range sources[directive] {
			if !isSource(directive, source) {
				return fmt.Errorf("pages: Config.Sources: %s: %q is neither 'self', an origin such as https://cdn.example.com, a hash, nor data: of images "+
					"and fonts", directive, source)
			}
		}
	}
	return nil
}

func isSource(directive, source string) bool {
	switch {
	case source == "'self'":
		return true
	case source == "data:":
		return directive == "img-src" || directive == "font-src"
	case strings.HasPrefix(source, "'sha256-"), strings.HasPrefix(source, "'sha384-"), strings.HasPrefix(source, "'sha512-"):
		hash, ok := strings.CutSuffix(source[len("'sha256-"):], "'")
		return ok && hash != "" && strings.Trim(hash, base64Letters) == "" && (directive == "script-src" || directive == "style-src")
	}
	rest, secure := strings.CutPrefix(source, "wss://")
	if secure && directive == "connect-src" {
		source = "https://" + rest
	}
	o, err := origin(source)
	return err == nil && o != "" && !strings.ContainsFunc(source, func(r rune) bool { return r != ':' && r != '[' && r != ']' && notInPath(r) })
}

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_"

// contentPolicy is the Content-Security-Policy: a page loads what belongs to it and what Config names, and runs no script that
// it has in itself. forms is another origin to which the answer to a form may lead, or "".
func (c *Config) contentPolicy(forms string) string {
	sources := map[string][]string{"style-src": {"'self'"}, "script-src": {"'self'"}, "img-src": {"'self'"}}
	add := func(directive string, more ...string) {
		for _, s := range more {
			if s != "" && !slices.Contains(sources[directive], s) {
				sources[directive] = append(sources[directive], s)
			}
		}
	}
	for directive, more := range c.Sources {
		add(directive, more...)
	}
	for directive, address := range map[string]string{"style-src": c.StyleSheet, "img-src": c.Icon} {
		if address != "" {
			o, _ := origin(address) // it has been checked
			add(directive, o)
		}
	}
	var policy strings.Builder
	policy.WriteString("default-src 'none'")
	for _, directive := range slices.Sorted(maps.Keys(sources)) {
		policy.WriteString("; " + directive + " " + strings.Join(sources[directive], " "))
	}
	// Chromium applies form-action to where the answer redirects to as well.
	return policy.String() + "; form-action " + strings.TrimSpace("'self' "+forms) + "; base-uri 'none'; frame-ancestors 'none'"
}
