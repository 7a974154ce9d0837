package geoip

import (
	"slices"
	"testing"
)

// TestLanguagesAreFew: what comes from a header may be long, what is kept of it is not.
func TestLanguagesAreFew(t *testing.T) {
	t.Parallel()
	var tags []string
	for range 1000 {
		tags = append(tags, "fr-CA", "x", "", "-", "FR", "de")
	}
	if got := languagesOf(tags); !slices.Equal(got, []language{french, german}) {
		t.Errorf("got %v", got)
	}
	all := first(languagesOf(tags), defaultOrder())
	if len(all) != int(languages) || all[0] != french || all[1] != german || all[2] != english {
		t.Errorf("got %v", all)
	}
}
