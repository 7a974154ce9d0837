package itest

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/enrich/geoip"
)

const somebody = "89.160.20.112"

// TestPlace: what django-qsessions says of the address, and all the rest.
func TestPlace(t *testing.T) {
	t.Parallel()
	r := open(t, geoip.Config{City: file(t, "city.mmdb", cityDatabase(t))})
	l := locate(t, r, somebody)
	if got, want := l.String(), "Linköping, Sweden"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want := session.Location{
		City: "Linköping", Region: "Östergötland County", RegionCode: "E", Country: "Sweden", CountryCode: "SE",
		Continent: "Europe", ContinentCode: "EU", PostalCode: "582 22", TimeZone: "Europe/Stockholm",
		Coordinates: session.Coordinates{Latitude: 58.4167, Longitude: 15.6167, RadiusKM: 76}, EU: true,
	}
	if l != want {
		t.Errorf("got  %+v\nwant %+v", l, want)
	}
	for _, ip := range []string{"::ffff:89.160.20.112", "2001:db8:1::1", "2002:59a0:1470::1"} { // mapped, its own, 6to4
		if got := locate(t, r, ip); got != want {
			t.Errorf("%s: got %+v", ip, got)
		}
	}
	if got := locate(t, r, "81.2.69.142"); got != (session.Location{}) || got.String() != "" {
		t.Errorf("of an address that is not in the database: %+v", got)
	}
}

// TestLanguages: the reader's languages, one after the other, then those of the configuration, then English, then any.
func TestLanguages(t *testing.T) {
	t.Parallel()
	path := file(t, "city.mmdb", made(t, "GeoLite2-City", entries{
		"89.160.20.0/24": linköping,
		"81.2.69.0/24": {
			"city":    names("ru", "Лондон"),
			"country": with(names("de", "de", "en", "en", "es", "es", "fr", "fr", "ja", "ja", "pt-BR", "pt-BR", "ru", "ru", "zh-CN", "zh-CN"), "iso_code", text("GB")),
		},
	}))
	r := open(t, geoip.Config{City: path, Languages: []string{"de-AT", "ja"}})
	for _, test := range []struct {
		languages []string
		want      string
	}{
		{nil, "リンシェーピング, Schweden"},
		{[]string{"en"}, "Linköping, Sweden"},
		{[]string{"ja_JP", "en"}, "リンシェーピング, スウェーデン王国"},
		{[]string{"sv", "EN-gb"}, "Linköping, Sweden"},
		{[]string{"sv", "", "x"}, "リンシェーピング, Schweden"},
		{[]string{"fr"}, "リンシェーピング, Schweden"},
	} {
		if got := locate(t, r, somebody, test.languages...).String(); got != test.want {
			t.Errorf("%v: got %q, want %q", test.languages, got, test.want)
		}
		f, err := r.Enrich(geoip.WithLanguages(t.Context(), test.languages...), session.Client{IP: netip.MustParseAddr(somebody)})
		if got := f.Location.String(); got != test.want || err != nil {
			t.Errorf("context with %v: got %q, %v; want %q", test.languages, got, err, test.want)
		}
	}
	if got, want := locate(t, r, somebody, "fr").Region, "Comté d'Östergötland"; got != want {
		t.Errorf("got region %q, want %q", got, want)
	}
	for tag, want := range map[string]string{"de": "de", "en": "en", "es": "es", "fr": "fr", "ja": "ja", "pt": "pt-BR", "pt-PT": "pt-BR", "ru": "ru", "zh-Hans": "zh-CN"} {
		if got := locate(t, r, "81.2.69.142", tag).Country; got != want {
			t.Errorf("%s: got the name in %s, want %s", tag, got, want)
		}
	}
	if got, want := locate(t, r, "81.2.69.142", "fr").City, "Лондон"; got != want {
		t.Errorf("the only name there is: got %q, want %q", got, want)
	}
}

// TestCountry: the city first, the country where there is none; and where an address is registered is nowhere.
func TestCountry(t *testing.T) {
	t.Parallel()
	both := t.TempDir()
	put(t, filepath.Join(both, "GeoLite2-City.mmdb"), made(t, "GeoLite2-City", entries{
		"89.160.20.0/24":   linköping,
		"203.0.113.128/25": {"continent": europe},
		"198.51.100.0/24":  {"location": record{"latitude": mmdbtype.Float64(1), "longitude": mmdbtype.Float64(2)}, "registered_country": sweden},
	}))
	put(t, filepath.Join(both, "GeoLite2-Country.mmdb"), countryDatabase(t))
	paid := t.TempDir()
	put(t, filepath.Join(paid, "GeoIP2-City.mmdb"), cityDatabase(t))
	put(t, filepath.Join(paid, "GeoLite2-City.mmdb"), capital(t, "free"))
	for _, test := range []struct {
		name string
		c    geoip.Config
		want map[string]string
	}{
		{"both", geoip.Config{Dir: both}, map[string]string{somebody: "Linköping, Sweden", "203.0.113.9": "Iran", "198.51.100.1": ""}},
		{"only Country", geoip.Config{Country: filepath.Join(both, "GeoLite2-Country.mmdb")}, map[string]string{somebody: "wrong", "203.0.113.9": "Iran"}},
		{"another City", geoip.Config{Dir: both, City: filepath.Join(paid, "GeoIP2-City.mmdb")}, map[string]string{somebody: "Linköping, Sweden", "203.0.113.9": "Iran"}},
		{"the better City", geoip.Config{Dir: paid}, map[string]string{somebody: "Linköping, Sweden", "203.0.113.9": ""}},
		{"Enterprise", geoip.Config{City: file(t, "e.mmdb", made(t, "GeoIP2-Enterprise", entries{"89.160.20.0/24": linköping}))}, map[string]string{somebody: "Linköping, Sweden"}},
	} {
		r := open(t, test.c)
		for ip, want := range test.want {
			if got := locate(t, r, ip).String(); got != want {
				t.Errorf("%s: %s: got %q, want %q", test.name, ip, got, want)
			}
		}
	}
	r := open(t, geoip.Config{Dir: both})
	if l := locate(t, r, "203.0.113.200"); l.CountryCode != "IR" || l.ContinentCode != "EU" {
		t.Errorf("of a country without a continent: got %+v, want what each of the databases knows", l)
	}
	l := locate(t, r, "198.51.100.1")
	if l.CountryCode != "" || l.ContinentCode != "EU" || l.Coordinates.Latitude != 1 {
		t.Errorf("of a city without a country: got %+v, want what each of the databases knows", l)
	}
}

// TestNowhere: BAD-25, BAD-32, BAD-33, BAD-34. Addresses that are in no place have no location and no error, even where a
// database says otherwise.
func TestNowhere(t *testing.T) {
	t.Parallel()
	all := entries{"::/0": linköping, "0.0.0.0/0": linköping}
	r := open(t, geoip.Config{
		City: file(t, "c.mmdb", made(t, "GeoLite2-City", all)), Anonymous: file(t, "a.mmdb", made(t, "GeoIP2-Anonymous-IP", entries{"::/0": {"is_anonymous": mmdbtype.Bool(true)}})),
	})
	for _, ip := range []string{
		"0.0.0.0", "10.1.2.3", "127.0.0.1", "169.254.1.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255", "224.0.0.1", "255.255.255.255",
		"::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:100.64.0.1",
	} {
		if got := locate(t, r, ip); got != (session.Location{}) {
			t.Errorf("%s is in %s", ip, got)
		}
	}
	if l, err := r.Locate(netip.Addr{}); l != (session.Location{}) || err != nil {
		t.Errorf("no address: got %v, %v", l, err)
	}
	for _, ip := range []string{somebody, "100.63.255.255", "100.128.0.0", "172.32.0.1", "::ffff:89.160.20.112", "2a00::1", "2a00::1%eth0"} {
		if got := locate(t, r, ip).String(); got != "Linköping, Sweden" {
			t.Errorf("%s: got %q", ip, got)
		}
	}

	only4 := open(t, geoip.Config{City: file(t, "4.mmdb", madeFor(t, "GeoLite2-City", 4, entries{"89.160.20.0/24": linköping}))})
	if got := locate(t, only4, "2a00::1"); got != (session.Location{}) {
		t.Errorf("IPv6 in a database of IPv4: %v", got)
	}
	if got := locate(t, only4, "::ffff:89.160.20.112").City; got != "Linköping" {
		t.Errorf("IPv4 as IPv6 in a database of IPv4: got %q", got)
	}
}

// TestAnonymizer: both kinds of databases of them, beside one of places.
func TestAnonymizer(t *testing.T) {
	t.Parallel()
	yes := mmdbtype.Bool(true)
	flags := entries{
		"89.160.20.1/32":  {"is_anonymous": yes, "is_anonymous_vpn": yes, "is_public_proxy": yes},
		"89.160.20.2/32":  {"is_anonymous": yes, "is_residential_proxy": yes, "is_tor_exit_node": yes},
		"198.51.100.3/32": {"is_hosting_provider": yes},
	}
	for _, databaseType := range []string{"GeoIP2-Anonymous-IP", "GeoIP-Anonymous-Plus"} {
		dir := t.TempDir()
		put(t, filepath.Join(dir, "GeoLite2-City.mmdb"), cityDatabase(t))
		put(t, filepath.Join(dir, databaseType+".mmdb"), made(t, databaseType, flags))
		r := open(t, geoip.Config{Dir: dir})
		for ip, want := range map[string]session.Anonymizer{
			"89.160.20.1":  {Anonymous: true, VPN: true, PublicProxy: true},
			"89.160.20.2":  {Anonymous: true, ResidentialProxy: true, TorExit: true},
			"198.51.100.3": {Hosting: true},
			"89.160.20.4":  {},
		} {
			if got := locate(t, r, ip).Anonymizer; got != want {
				t.Errorf("%s: %s: got %+v, want %+v", databaseType, ip, got, want)
			}
		}
		if got := locate(t, r, "89.160.20.1").String(); got != "Linköping, Sweden" {
			t.Errorf("%s: got the place %q", databaseType, got)
		}
	}
}

// TestCoordinates: those that are none could not be written as JSON, and the list of sessions with them.
func TestCoordinates(t *testing.T) {
	t.Parallel()
	at := func(lat, long float64) record {
		return record{"city": names("en", "x"), "location": record{"latitude": mmdbtype.Float64(lat), "longitude": mmdbtype.Float64(long), "accuracy_radius": mmdbtype.Uint16(5)}}
	}
	r := open(t, geoip.Config{City: file(t, "c.mmdb", made(t, "GeoLite2-City", entries{
		"89.160.20.1/32": at(math.NaN(), 1), "89.160.20.2/32": at(1, math.Inf(-1)), "89.160.20.3/32": at(90.5, 0), "89.160.20.4/32": at(0, -181),
		"89.160.20.5/32": {"city": names("en", "x"), "location": record{"latitude": mmdbtype.Float64(7)}},
		"89.160.20.6/32": at(-90, 180),
	}))})
	for _, ip := range []string{"89.160.20.1", "89.160.20.2", "89.160.20.3", "89.160.20.4", "89.160.20.5"} {
		l := locate(t, r, ip)
		if l.Coordinates != (session.Coordinates{}) || l.City != "x" {
			t.Errorf("%s: got %+v", ip, l)
		}
		if _, err := json.Marshal(l); err != nil {
			t.Errorf("%s: %v", ip, err)
		}
	}
	if got, want := locate(t, r, "89.160.20.6").Coordinates, (session.Coordinates{Latitude: -90, Longitude: 180, RadiusKM: 5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEnrichCanceled(t *testing.T) {
	t.Parallel()
	r := open(t, geoip.Config{City: file(t, "city.mmdb", cityDatabase(t))})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if f, err := r.Enrich(ctx, session.Client{IP: netip.MustParseAddr(somebody)}); !errors.Is(err, context.Canceled) || f.Location != (session.Location{}) {
		t.Errorf("got %+v, %v", f, err)
	}
}

// TestEmbedded: BAD-25, BAD-32. An IPv4 address in an IPv6 address of a translator or a tunnel is where it is: 6to4,
// NAT64, and the client of Teredo, not its server. Private ones in them are nowhere.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	everywhere := file(t, "c.mmdb", made(t, "GeoLite2-City", entries{"::/0": linköping, "0.0.0.0/0": linköping}))
	here := file(t, "h.mmdb", cityDatabase(t))
	for ip, want := range map[string]string{
		"2002:5994:1470::1": "", "64:ff9b::59a0:1470": "Linköping, Sweden", "2002:59a0:1470::1": "Linköping, Sweden",
		"2001:0:8080:8080:0:ffff:a65f:eb8f": "Linköping, Sweden", "2001:0:59a0:1470:0:ffff:7f7f:7f7f": "",
	} {
		if got := locate(t, open(t, geoip.Config{City: here}), ip).String(); got != want {
			t.Errorf("%s: got %q, want %q", ip, got, want)
		}
	}
	r := open(t, geoip.Config{City: everywhere})
	for _, ip := range []string{"2002:a00:1::1", "2002:7f00:1::", "64:ff9b::a00:1", "64:ff9b::6440:1", "2001:0:59a0:1470:0:ffff:f5ff:fffe", "2002::1"} {
		if got := locate(t, r, ip); got != (session.Location{}) {
			t.Errorf("%s is in %s", ip, got)
		}
	}
}
