package geoip

import (
	"strings"
	"testing"
	"time"
)

// TestConfig: each field that cannot be is an error that names it.
func TestConfig(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		c    Config
		says string
	}{
		"nothing":            {Config{}, "Dir, City or Country"},
		"only Anonymous":     {Config{Anonymous: "a.mmdb"}, "Dir, City or Country"},
		"negative PollEvery": {Config{Dir: "/", PollEvery: -1}, "Config.PollEvery"},
		"long PollEvery":     {Config{Dir: "/", PollEvery: 25 * time.Hour}, "Config.PollEvery"},
		"Swedish":            {Config{Dir: "/", Languages: []string{"de", "sv"}}, "Config.Languages[1]"},
		"no language":        {Config{Dir: "/", Languages: []string{""}}, "Config.Languages[0]"},
	} {
		if r, err := Open(test.c); err == nil || r != nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, %v; want an error that says %q", name, r, err, test.says)
		}
	}
	c, err := Config{Dir: "x", Languages: []string{"zh-Hant-TW", "PT", "en_US"}}.withDefaults()
	if err != nil || c.PollEvery != time.Minute || c.Logger == nil {
		t.Errorf("got %+v, %v", c, err)
	}
}

// TestKind: the types that the library reads, and which of them have places.
func TestKind(t *testing.T) {
	t.Parallel()
	for databaseType, want := range map[string]kind{
		"GeoLite2-City": city, "GeoIP2-City": city, "GeoIP2-City-North-America": city, "GeoIP2-Precision-City": city, "GeoIP-City-Redacted-US": city,
		"DBIP-City-Lite": city, "DBIP-Location (compat=City)": city, "GeoIP2-Enterprise": city, "GeoIP-Enterprise-Redacted-US": city,
		"GeoLite2-Country": country, "GeoIP2-Country": country, "DBIP-Country-Lite": country,
		"GeoIP2-Anonymous-IP": anonymous, "GeoIP-Anonymous-Plus": anonymous,
		"GeoLite2-ASN": "", "GeoIP2-ISP": "", "GeoIP2-Domain": "", "GeoIP2-Connection-Type": "", "": "",
	} {
		if got := kindOf(databaseType); got != want {
			t.Errorf("%s: got %q, want %q", databaseType, got, want)
		}
	}
}
