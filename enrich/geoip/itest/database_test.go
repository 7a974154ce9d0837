// Package itest runs package geoip on databases that the tests make, and on a real one that is fetched when they run. It is
// a module of its own and never published.
package itest

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/enrich/geoip"
)

type (
	record  = mmdbtype.Map
	text    = mmdbtype.String
	entries = map[string]record // by network
)

// made returns a database of a type.
func made(tb testing.TB, databaseType string, all entries) []byte {
	tb.Helper()
	return madeFor(tb, databaseType, 6, all)
}

func madeFor(tb testing.TB, databaseType string, ipVersion int, all entries) []byte {
	tb.Helper()
	w, err := mmdbwriter.New(mmdbwriter.Options{
		DatabaseType: databaseType, IPVersion: ipVersion, Languages: []string{"en"}, IncludeReservedNetworks: true,
	})
	if err != nil {
		tb.Fatal(err)
	}
	for network, r := range all {
		_, n, err := net.ParseCIDR(network)
		if err != nil {
			tb.Fatal(err)
		}
		if err := w.Insert(n, r); err != nil {
			tb.Fatalf("%s: %v", network, err)
		}
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// put renames a file of b over path, as whoever updates a database should.
func put(tb testing.TB, path string, b []byte) {
	tb.Helper()
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		tb.Fatal(err)
	}
}

// file puts b into a folder of its own.
func file(tb testing.TB, name string, b []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	put(tb, path, b)
	return path
}

func open(tb testing.TB, c geoip.Config) *geoip.Reader {
	tb.Helper()
	r, err := geoip.Open(c)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func locate(tb testing.TB, r *geoip.Reader, ip string, languages ...string) session.Location {
	tb.Helper()
	l, err := r.Locate(netip.MustParseAddr(ip), languages...)
	if err != nil {
		tb.Errorf("%s: %v", ip, err)
	}
	return l
}

func names(pairs ...text) record {
	m := record{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return record{"names": m}
}

// with returns r with more fields.
func with(r record, pairs ...any) record {
	for i := 0; i < len(pairs); i += 2 {
		r[text(pairs[i].(string))] = pairs[i+1].(mmdbtype.DataType)
	}
	return r
}

var (
	europe = with(names("en", "Europe", "de", "Europa"), "code", text("EU"))
	sweden = with(names("en", "Sweden", "de", "Schweden", "ja", "スウェーデン王国"), "iso_code", text("SE"), "is_in_european_union", mmdbtype.Bool(true))

	linköping = record{
		"city":      names("en", "Linköping", "ja", "リンシェーピング"),
		"continent": europe,
		"country":   sweden,
		"location": record{
			"latitude": mmdbtype.Float64(58.4167), "longitude": mmdbtype.Float64(15.6167), "accuracy_radius": mmdbtype.Uint16(76), "time_zone": text("Europe/Stockholm"),
		},
		"postal":             record{"code": text("582 22")},
		"registered_country": with(names("en", "Germany"), "iso_code", text("DE")),
		"subdivisions": mmdbtype.Slice{
			with(names("en", "Östergötland County", "fr", "Comté d'Östergötland"), "iso_code", text("E")),
			with(names("en", "Linköpings Kommun"), "iso_code", text("0580")),
		},
	}
)

// cityDatabase has what the examples of django-qsessions have.
func cityDatabase(tb testing.TB) []byte {
	tb.Helper()
	return made(tb, "GeoLite2-City", entries{"89.160.20.0/24": linköping, "2001:db8:1::/48": linköping})
}

// capital is a database with one city for 89.160.20.0/24.
func capital(tb testing.TB, name string) []byte {
	tb.Helper()
	return made(tb, "GeoLite2-City", entries{"89.160.20.0/24": {"city": names("en", text(name)), "country": sweden, "continent": europe}})
}

func countryDatabase(tb testing.TB) []byte {
	tb.Helper()
	return made(tb, "GeoLite2-Country", entries{
		"89.160.20.0/24":   {"country": with(names("en", "wrong"), "iso_code", text("XX"))},
		"203.0.113.128/25": {"country": with(names("en", "Iran"), "iso_code", text("IR"))},
		"203.0.113.0/25":   {"country": with(names("en", "Iran"), "iso_code", text("IR")), "continent": with(names("en", "Asia"), "code", text("AS"))},
		"198.51.100.0/24": {
			"continent":          europe,
			"registered_country": with(names("en", "Germany"), "iso_code", text("DE")),
		},
	})
}
