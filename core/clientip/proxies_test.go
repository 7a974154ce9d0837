package clientip

import (
	"net/netip"
	"strings"
	"testing"
)

func must(t testing.TB, c Config) *Resolver {
	t.Helper()
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestUnix: RPT-35. The peer of a Unix socket is trusted if the configuration says so, and by nothing that a RemoteAddr says.
func TestUnix(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	for name, c := range map[string]struct {
		config Config
		lines  []string
		want   string
	}{
		"not trusted":            {Config{}, []string{"198.51.100.1"}, ""},
		"proxies are trusted":    {Config{Trusted: trusted}, []string{"198.51.100.1"}, ""},
		"trusted":                {Config{Unix: true}, []string{"9.9.9.9, 198.51.100.1"}, "198.51.100.1"},
		"trusted, no header":     {Config{Unix: true}, nil, ""},
		"trusted, garbage":       {Config{Unix: true}, []string{"198.51.100.1, unknown"}, ""},
		"trusted, a socket":      {Config{Unix: true}, []string{"198.51.100.1, @"}, ""},
		"trusted with proxies":   {Config{Unix: true, Trusted: trusted}, []string{"9.9.9.9, 198.51.100.1, 192.0.2.7"}, "198.51.100.1"},
		"trusted, without those": {Config{Unix: true}, []string{"9.9.9.9, 198.51.100.1, 192.0.2.7"}, "192.0.2.7"},
		"trusted, two hops":      {Config{Unix: true, Hops: 2}, []string{"9.9.9.9, 198.51.100.1, 192.0.2.7"}, "198.51.100.1"},
	} {
		r := must(t, c.config)
		if got := text(r.AddrUnix(lines("X-Forwarded-For", c.lines...))); got != c.want {
			t.Errorf("%s: AddrUnix = %q, want %q", name, got, c.want)
		}
		for _, remote := range []string{"", "@", "@abstract", "/run/nginx.sock", "unix:", "unix:/run/nginx.sock"} {
			if got := text(r.Addr(remote, lines("X-Forwarded-For", c.lines...))); got != "" {
				t.Errorf("%s: Addr(%q) = %q, which middleware may have written", name, remote, got)
			}
		}
	}
	for name, r := range map[string]*Resolver{"nil": nil, "zero": {}} {
		if got := text(r.AddrUnix(lines("X-Forwarded-For", "198.51.100.1"))); got != "" {
			t.Errorf("%s: AddrUnix = %q", name, got)
		}
	}
	if got := text(must(t, Config{Unix: true}).AddrUnix(nil)); got != "" {
		t.Errorf("AddrUnix without a header = %q", got)
	}
}

// TestHops: RPT-36, BAD-31. Proxies are counted from the right, whatever their addresses are, if the nearest one is trusted.
func TestHops(t *testing.T) {
	t.Parallel()
	private := func(hops int, header string) *Resolver {
		return must(t, Config{Trusted: Private(), Hops: hops, Header: header})
	}
	const balancer = "10.0.3.7:41234"
	for name, c := range map[string]struct {
		hops         int
		header, peer string
		lines        []string
		want         string
	}{
		"CDN and load balancer":     {2, "", balancer, []string{"198.51.100.10, 130.176.1.2"}, "198.51.100.10"},
		"claimed":                   {2, "", balancer, []string{"9.9.9.9, 198.51.100.10, 130.176.1.2"}, "198.51.100.10"},
		"claimed as private":        {2, "", balancer, []string{"10.9.9.9, 198.51.100.10, 10.0.0.2"}, "198.51.100.10"},
		"private client":            {2, "", balancer, []string{"9.9.9.9, 10.0.0.10, 130.176.1.2"}, "10.0.0.10"},
		"claimed on its own line":   {2, "", balancer, []string{"9.9.9.9", "198.51.100.10", "130.176.1.2:443"}, "198.51.100.10"},
		"one":                       {1, "", balancer, []string{"9.9.9.9, 198.51.100.10"}, "198.51.100.10"},
		"three":                     {3, "", balancer, []string{"9.9.9.9, [2001:db8::1]:1, 130.176.1.2, 10.0.0.2"}, "2001:db8::1"},
		"too few":                   {3, "", balancer, []string{"198.51.100.10, 130.176.1.2"}, "198.51.100.10"},
		"none":                      {2, "", balancer, nil, "10.0.3.7"},
		"garbage ends it":           {2, "", balancer, []string{"198.51.100.10, unknown"}, "10.0.3.7"},
		"garbage before the client": {2, "", balancer, []string{"unknown, 130.176.1.2"}, "130.176.1.2"},
		"peer is not trusted":       {2, "", "203.0.113.5:80", []string{"198.51.100.10, 130.176.1.2"}, "203.0.113.5"},
		"Forwarded":                 {2, "Forwarded", balancer, []string{`for=9.9.9.9, for="[2001:db8::1]:80", for=130.176.1.2;proto=https`}, "2001:db8::1"},
		"Forwarded, open quote":     {2, "forwarded", balancer, []string{`for=9.9.9.9;x=", for=198.51.100.10, for=130.176.1.2`}, "198.51.100.10"},
		"another list":              {2, "X-Original-Forwarded-For", balancer, []string{"9.9.9.9, 198.51.100.10, 130.176.1.2"}, "198.51.100.10"},
	} {
		r := private(c.hops, c.header)
		if got := text(r.Addr(c.peer, lines(r.header, c.lines...))); got != c.want {
			t.Errorf("%s: Addr = %s, want %s", name, got, c.want)
		}
	}
	for name, c := range map[string]Config{
		"negative":            {Trusted: Private(), Hops: -1},
		"too many":            {Trusted: Private(), Hops: 33},
		"no peer to trust":    {Hops: 2},
		"header of one":       {Trusted: Private(), Hops: 2, Header: "x-real-ip"},
		"BarePort, Forwarded": {Trusted: Private(), Header: "forwarded", BarePort: true},
	} {
		if r, err := New(c); err == nil || r != nil {
			t.Errorf("%s: New = %v, %v; want an error", name, r, err)
		}
	}
	must(t, Config{Unix: true, Hops: 32})
	must(t, Config{Trusted: Private(), Hops: 1, Header: "X-Real-IP"})
}

// TestBarePort: RPT-36. CloudFront writes a port behind every address, an IPv6 address without brackets too. Other headers keep
// the last group of theirs.
func TestBarePort(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"198.51.100.10:46532":                   "198.51.100.10",
		"198.51.100.10":                         "198.51.100.10",
		"2001:db8:abcd:12::9:9985":              "2001:db8:abcd:12::9",
		"2001:db8:85a3:0:0:8a2e:370:7334:46532": "2001:db8:85a3::8a2e:370:7334",
		"2001:db8:85a3::8a2e:370:7334:443":      "2001:db8:85a3::8a2e:370:7334",
		"2001:db8:::443":                        "2001:db8::",
		"::1:443":                               "::1",
		"[2001:db8::9]:9985":                    "2001:db8::9",
		"[2001:db8::9]":                         "2001:db8::9",
		"::ffff:198.51.100.10:443":              "198.51.100.10",
		"fe80::1%eth0:443":                      "fe80::1",
		"2001:db8:85a3:0:0:8a2e:370:7334":       "10.0.3.7", // seven groups and a port
		"2001:db8::9:65536":                     "10.0.3.7",
		"2001:db8::9:abcd":                      "10.0.3.7",
		"2001:db8::9:":                          "10.0.3.7",
		"198.51.100.10:":                        "10.0.3.7",
		":443":                                  "10.0.3.7",
		"9.9.9.9:1, 198.51.100.10:46532":        "10.0.3.7", // not of CloudFront alone
	} {
		for _, header := range []string{"CloudFront-Viewer-Address", "cloudfront-viewer-address"} {
			if got := text(must(t, Config{Trusted: Private(), Header: header}).Addr("10.0.3.7:41234", lines(header, in))); got != want {
				t.Errorf("%s: %s is %s, want %s", header, in, got, want)
			}
		}
	}
	list := must(t, Config{Trusted: Private(), Header: "X-Viewers", BarePort: true})
	if got := text(list.Addr("10.0.3.7:41234", lines("X-Viewers", "9.9.9.9:1, 2001:db8::9:9985, 10.0.0.1:80"))); got != "2001:db8::9" {
		t.Errorf("a list with ports: %s, want 2001:db8::9", got)
	}
	for _, header := range []string{"X-Forwarded-For", "True-Client-IP", "X-Viewers"} {
		if got := text(must(t, Config{Trusted: Private(), Header: header}).Addr("10.0.3.7:41234", lines(header, "2001:db8::9:9985"))); got != "2001:db8::9:9985" {
			t.Errorf("%s without ports: %s has lost a group", header, got)
		}
	}
}

// TestVendors: RPT-36, BAD-31, BAD-32, BAD-33. A header that has the one address of the client is believed if it has one.
func TestVendors(t *testing.T) {
	t.Parallel()
	for _, header := range singles() {
		r := must(t, Config{Trusted: Private(), Header: strings.ToLower(header)})
		port := ""
		if header == "CloudFront-Viewer-Address" {
			port = ":443"
		}
		for name, c := range map[string]struct {
			lines []string
			want  string
		}{
			"IPv4":        {[]string{"198.51.100.1" + port}, "198.51.100.1"},
			"IPv4, port":  {[]string{" 198.51.100.1:4711 "}, "198.51.100.1"},
			"IPv6":        {[]string{"2001:db8::1" + port}, "2001:db8::1"},
			"IPv6, port":  {[]string{"[2001:db8::1]:4711"}, "2001:db8::1"},
			"mapped":      {[]string{"::ffff:198.51.100.1" + port}, "198.51.100.1"},
			"zone":        {[]string{"fe80::1%eth0" + port}, "fe80::1"},
			"private":     {[]string{"10.1.2.3" + port}, "10.1.2.3"},
			"none":        {nil, "10.0.3.7"},
			"empty":       {[]string{""}, "10.0.3.7"},
			"garbage":     {[]string{"unknown"}, "10.0.3.7"},
			"two lines":   {[]string{"9.9.9.9", "198.51.100.1" + port}, "10.0.3.7"},
			"two of them": {[]string{"9.9.9.9" + port + ", 10.1.2.3" + port}, "10.0.3.7"},
			"a comma":     {[]string{"198.51.100.1" + port + ","}, "10.0.3.7"},
		} {
			if got := text(r.Addr("10.0.3.7:41234", lines(strings.ToLower(header), c.lines...))); got != c.want {
				t.Errorf("%s, %s: Addr = %s, want %s", header, name, got, c.want)
			}
		}
		if got := text(r.Addr("203.0.113.5:80", lines(strings.ToLower(header), "198.51.100.1"+port))); got != "203.0.113.5" {
			t.Errorf("%s of a client: Addr = %s, want the peer", header, got)
		}
	}
}

// FuzzProxies: RPT-35, RPT-36, BAD-30, BAD-31. Whatever a client puts in front of what the proxies append, on the same line or
// another, the client is the one that they saw; and without a peer to trust no header is believed.
func FuzzProxies(f *testing.F) {
	for _, s := range []string{
		"", "9.9.9.9", "9.9.9.9, 10.0.0.1", "10.0.0.1:80", "[fe80::1%eth0]:80", "::ffff:10.0.0.1", "unknown,_obf,,", `for=9.9.9.9;x="`, `for="[2001:db8::1]:_x", for=10.0.0.1`, "2001:db8::9:9985", `"`, `\`, "@",
	} {
		f.Add(s, s)
	}
	const client, peer = "198.51.100.1", "10.0.3.7:41234"
	appended := map[string]string{"X-Forwarded-For": client + ", 130.176.1.2", "Forwarded": `for="` + client + `:80";host="a,b", for=130.176.1.2`}
	f.Fuzz(func(t *testing.T, first, second string) {
		for header, tail := range appended {
			r := must(t, Config{Trusted: Private(), Unix: true, Hops: 2, Header: header})
			for _, l := range [][]string{{first, second + ", " + tail}, {first, second, tail}} {
				if got := text(r.Addr(peer, lines(header, l...))); got != client {
					t.Errorf("%s %q: Addr = %s, want %s", header, l, got, client)
				}
				if got := text(r.AddrUnix(lines(header, l...))); got != client {
					t.Errorf("%s %q: AddrUnix = %s, want %s", header, l, got, client)
				}
				if got := text(r.Addr("203.0.113.5:80", lines(header, l...))); got != "203.0.113.5" {
					t.Errorf("%s %q: a client that is no proxy is %s", header, l, got)
				}
			}
		}
		r := must(t, Config{Trusted: Private(), Header: "CloudFront-Viewer-Address"})
		for _, l := range [][]string{{first, client + ":80"}, {client + ":80", first}, {first + "," + client + ":80"}} {
			if got := text(r.Addr(peer, lines("CloudFront-Viewer-Address", l...))); got != "10.0.3.7" {
				t.Errorf("%q: Addr = %s, though one address may be the client's", l, got)
			}
		}
		for _, bare := range []bool{false, true} {
			list := must(t, Config{Trusted: Private(), Unix: true, Header: "X-Viewers", BarePort: bare})
			for _, got := range []netip.Addr{list.AddrUnix(lines("X-Viewers", first, second)), list.Addr(peer, lines("X-Viewers", first, second))} {
				if got.Is4In6() || got.Zone() != "" {
					t.Errorf("Addr = %v, with a zone or mapped", got)
				}
			}
		}
	})
}
