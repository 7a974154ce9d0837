package geoip

import (
	"slices"
	"strings"
	"testing"
)

// TestLanguagesAreFew: ATK-20. What comes from a header may be long, what is kept of it is not.
func TestLanguagesAreFew(t *testing.T) {
	t.Parallel()
	var tags []string
	for range 1000 {
		tags = append(tags, "fr-CA", "x", "", "-", "FR", "de")
	}
	if got := languagesOf(tags); !slices.Equal(got, []language{french, german}) {
		t.Errorf("got %v", got)
	}
	if got := languagesOf([]string{strings.Repeat("x,", maxTags-1) + "de," + strings.Repeat("x,", 1<<20) + "fr"}); !slices.Equal(got, []language{german}) {
		t.Errorf("got %v of a megabyte", got)
	}
	all := first(languagesOf(tags), defaultOrder())
	if len(all) != int(languages) || all[0] != french || all[1] != german || all[2] != english {
		t.Errorf("got %v", all)
	}
}

// TestAcceptLanguage: a header is taken as browsers send it.
func TestAcceptLanguage(t *testing.T) {
	t.Parallel()
	for header, want := range map[string][]language{
		"de-AT,de;q=0.9,en;q=0.8": {german, english}, "sv, fr ;q=0.5 ,*;q=0.1": {french}, "ja": {japanese}, "*": {}, ",;,=,": {}, "": {},
	} {
		if got := languagesOf([]string{header}); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
}
