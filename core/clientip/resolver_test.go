package clientip

import (
	"net/netip"
	"strings"
	"testing"
)

// The peer in most tests: a proxy in the network that they trust, as are 10.0.0.0/8 and 2001:db8:ff::/48.
const proxy = "192.0.2.1"

func resolver(t testing.TB, header string) *Resolver {
	t.Helper()
	r, err := New(Config{Header: header, Trusted: []netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/24"),
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("2001:db8:ff::/48"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines returns a function for Addr that knows these lines of one header.
func lines(header string, l ...string) func(string) []string {
	return func(name string) []string {
		if name == header {
			return l
		}
		return nil
	}
}

func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Config{
		"invalid prefix":        {Trusted: []netip.Prefix{{}}},
		"everybody, IPv4":       {Trusted: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}},
		"everybody, IPv6":       {Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::/0")}},
		"mapped prefix":         {Trusted: []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")}},
		"header with a colon":   {Header: "X-Real-IP:"},
		"header with a newline": {Header: "X-Real\nIP"},
	} {
		if r, err := New(c); err == nil || r != nil {
			t.Errorf("%s: New = %v, %v; want an error", name, r, err)
		}
	}
	trusted := []netip.Prefix{netip.MustParsePrefix("192.0.2.77/24")}
	r, err := New(Config{Trusted: trusted})
	if err != nil {
		t.Fatal(err)
	}
	trusted[0] = netip.MustParsePrefix("203.0.113.0/24")
	if got := text(r.Addr(proxy, lines("X-Forwarded-For", "198.51.100.1"))); got != "198.51.100.1" {
		t.Errorf("Addr = %s after a change of the caller's slice, want 198.51.100.1", got)
	}
}

// TestNoTrustedProxy: BAD-30. Who is not trusted is not listened to.
func TestNoTrustedProxy(t *testing.T) {
	t.Parallel()
	none, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		resolver *Resolver
		remote   string
		want     string
	}{
		"nil":             {nil, "198.51.100.1:80", "198.51.100.1"},
		"zero":            {&Resolver{}, "198.51.100.1:80", "198.51.100.1"},
		"no prefixes":     {none, "127.0.0.1:80", "127.0.0.1"},
		"foreign peer":    {resolver(t, ""), "198.51.100.1:80", "198.51.100.1"},
		"unix socket":     {resolver(t, ""), "@", ""},
		"no peer":         {resolver(t, ""), "", ""},
		"peer is garbage": {resolver(t, ""), "192.0.2.1:http", ""},
	} {
		asked := func(string) []string {
			t.Errorf("%s: the header was read", name)
			return []string{"9.9.9.9"}
		}
		if got := text(c.resolver.Addr(c.remote, asked)); got != c.want {
			t.Errorf("%s: Addr(%q) = %q, want %q", name, c.remote, got, c.want)
		}
	}
	if got := text(resolver(t, "").Addr(proxy, nil)); got != proxy {
		t.Errorf("Addr without a header = %q, want the peer", got)
	}
}

// TestForwardedFor: BAD-31, BAD-32, BAD-33, BAD-34. The walk from the right, and where it stops.
func TestForwardedFor(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"BAD-31 no header":            {nil, proxy},
		"BAD-31 one":                  {[]string{"198.51.100.1"}, "198.51.100.1"},
		"BAD-31 spoofed":              {[]string{"9.9.9.9, 198.51.100.1, 10.0.0.1"}, "198.51.100.1"},
		"BAD-31 spoofed as a proxy":   {[]string{"9.9.9.9, 10.0.0.9, 198.51.100.1, 10.0.0.1"}, "198.51.100.1"},
		"BAD-31 several lines":        {[]string{"9.9.9.9", "198.51.100.1", "10.0.0.2, 10.0.0.1"}, "198.51.100.1"},
		"BAD-31 all are trusted":      {[]string{"10.0.0.3,10.0.0.2", "10.0.0.1"}, "10.0.0.3"},
		"BAD-31 spaces":               {[]string{" \t198.51.100.1 \t,\t 10.0.0.1  "}, "198.51.100.1"},
		"BAD-31 no spaces":            {[]string{"9.9.9.9,198.51.100.1,10.0.0.1"}, "198.51.100.1"},
		"BAD-31 unknown":              {[]string{"198.51.100.1, unknown, 10.0.0.1"}, "10.0.0.1"},
		"BAD-31 unknown at once":      {[]string{"198.51.100.1, unknown"}, proxy},
		"BAD-31 obfuscated":           {[]string{"198.51.100.1, _obf, 10.0.0.1"}, "10.0.0.1"},
		"BAD-31 empty element":        {[]string{"198.51.100.1,,10.0.0.1"}, "10.0.0.1"},
		"BAD-31 empty line":           {[]string{"198.51.100.1", "", "10.0.0.1"}, "10.0.0.1"},
		"BAD-31 empty first element":  {[]string{", 10.0.0.1"}, "10.0.0.1"},
		"BAD-31 trailing comma":       {[]string{"198.51.100.1,"}, proxy},
		"BAD-31 port":                 {[]string{"198.51.100.1:4711"}, "198.51.100.1"},
		"BAD-31 port in between":      {[]string{"198.51.100.1:1, 10.0.0.1:65535"}, "198.51.100.1"},
		"BAD-31 port too large":       {[]string{"198.51.100.1, 10.0.0.1:65536"}, proxy},
		"BAD-31 port too long":        {[]string{"198.51.100.1, 10.0.0.1:000080"}, proxy},
		"BAD-31 port is no number":    {[]string{"198.51.100.1, 10.0.0.1:http"}, proxy},
		"BAD-31 port is missing":      {[]string{"198.51.100.1:"}, proxy},
		"BAD-31 obfuscated port":      {[]string{"198.51.100.1:_x"}, proxy},
		"BAD-31 IPv6":                 {[]string{"9.9.9.9, 2001:db8::1, 2001:db8:ff::1"}, "2001:db8::1"},
		"BAD-31 brackets":             {[]string{"[2001:db8::1], [2001:db8:ff::1]"}, "2001:db8::1"},
		"BAD-31 brackets and port":    {[]string{"[2001:db8::1]:80"}, "2001:db8::1"},
		"BAD-31 open bracket":         {[]string{"[2001:db8::1"}, proxy},
		"BAD-31 behind the bracket":   {[]string{"[2001:db8::1]80"}, proxy},
		"BAD-31 bracket, port empty":  {[]string{"[2001:db8::1]:"}, proxy},
		"BAD-31 brackets, IPv4":       {[]string{"[198.51.100.1]"}, proxy},
		"BAD-31 quotes":               {[]string{`"198.51.100.1"`}, proxy},
		"BAD-31 open quote":           {[]string{`9.9.9.9", 198.51.100.1`}, "198.51.100.1"},
		"BAD-31 10^4 foreign entries": {[]string{strings.Repeat("9.9.9.9,", 10_000) + "198.51.100.1"}, "198.51.100.1"},
		"BAD-31 10^4 proxies":         {[]string{strings.Repeat("10.0.0.9,", 10_000) + "10.0.0.1"}, "10.0.0.9"},
		"BAD-31 32 hops":              {[]string{"198.51.100.1" + strings.Repeat(",10.0.0.1", 31)}, "198.51.100.1"},
		"BAD-31 33 hops":              {[]string{"198.51.100.1" + strings.Repeat(",10.0.0.1", 32)}, "10.0.0.1"},
		"BAD-31 4 KiB":                {[]string{"198.51.100.1" + strings.Repeat(" ", 4096-12)}, "198.51.100.1"},
		"BAD-31 4 KiB in lines":       {[]string{"198.51.100.1", strings.Repeat(" ", 4096-12-8) + "10.0.0.1"}, "198.51.100.1"},
		"BAD-31 beyond 4 KiB":         {[]string{"198.51.100.1" + strings.Repeat(" ", 4096-11)}, proxy},
		"BAD-31 beyond it in lines":   {[]string{"198.51.100.1", strings.Repeat(" ", 4096-11-8) + "10.0.0.1"}, "10.0.0.1"},
		"BAD-31 comma beyond 4 KiB":   {[]string{"198.51.100.1," + strings.Repeat(" ", 4096)}, proxy},
		"BAD-32 mapped client":        {[]string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"BAD-32 mapped proxy":         {[]string{"198.51.100.1, [::ffff:10.0.0.1]:80"}, "198.51.100.1"},
		"BAD-32 mapped, hexadecimal":  {[]string{"::ffff:c633:6401"}, "198.51.100.1"},
		"BAD-33 zone":                 {[]string{"fe80::1%eth0"}, "fe80::1"},
		"BAD-33 zone in brackets":     {[]string{"[fe80::1%eth0]:80"}, "fe80::1"},
		"BAD-33 zone of a proxy":      {[]string{"198.51.100.1, 2001:db8:ff::1%1"}, "198.51.100.1"},
		"BAD-33 long zone":            {[]string{"fe80::1%" + long}, "fe80::1"},
		"BAD-33 mapped with a zone":   {[]string{"::ffff:198.51.100.1%eth0"}, "198.51.100.1"},
		"BAD-33 empty zone":           {[]string{"fe80::1%"}, proxy},
		"BAD-33 IPv4 with a zone":     {[]string{"198.51.100.1%eth0"}, proxy},
		"BAD-34 leading zero":         {[]string{"198.051.100.1"}, proxy},
		"BAD-34 leading zero, mapped": {[]string{"::ffff:198.51.100.01"}, proxy},
		"BAD-34 hexadecimal":          {[]string{"0x7f.1"}, proxy},
		"BAD-34 number":               {[]string{"3325256705"}, proxy},
		"BAD-34 three parts":          {[]string{"198.51.100"}, proxy},
		"BAD-34 host name":            {[]string{"localhost"}, proxy},
		"BAD-34 unix socket":          {[]string{"@"}, proxy},
		"BAD-34 inner space":          {[]string{"198.51.100.1 10.0.0.1"}, proxy},
		"BAD-34 long":                 {[]string{long}, proxy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := text(resolver(t, "").Addr(proxy+":1234", lines("X-Forwarded-For", c.lines...))); got != c.want {
				t.Errorf("Addr = %s, want %s", got, c.want)
			}
		})
	}
}

// TestForwarded: BAD-31, BAD-32, BAD-33, BAD-34. The header of RFC 7239, also with what a client put before the proxy's.
func TestForwarded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		line string
		want string
	}{
		"BAD-31 one":                   {`for=198.51.100.1`, "198.51.100.1"},
		"BAD-31 case":                  {`For=198.51.100.1;PROTO=https`, "198.51.100.1"},
		"BAD-31 spoofed":               {`for=9.9.9.9, for=198.51.100.1;by=10.0.0.1, for=10.0.0.2`, "198.51.100.1"},
		"BAD-31 for is last":           {`by=203.0.113.43;proto=http;for=198.51.100.1`, "198.51.100.1"},
		"BAD-31 IPv6":                  {`for="[2001:db8::1]"`, "2001:db8::1"},
		"BAD-31 IPv6 and port":         {`for="[2001:db8::1]:4711", for="[2001:db8:ff::1]:1"`, "2001:db8::1"},
		"BAD-31 IPv6 without quotes":   {`for=[2001:db8::1]:4711;proto=https`, "2001:db8::1"},
		"BAD-31 quoted IPv4":           {`for="198.51.100.1:80"`, "198.51.100.1"},
		"BAD-31 obfuscated port":       {`for="198.51.100.1:_a.b-c"`, "198.51.100.1"},
		"BAD-31 bad obfuscated port":   {`for="198.51.100.1:_"`, proxy},
		"BAD-31 unknown":               {`for=198.51.100.1, for=unknown, for=10.0.0.1`, "10.0.0.1"},
		"BAD-31 obfuscated":            {`for=198.51.100.1, for="_gazonk"`, proxy},
		"BAD-31 no for":                {`for=198.51.100.1, proto=https`, proxy},
		"BAD-31 two for":               {`for=198.51.100.1;for=9.9.9.9`, proxy},
		"BAD-31 bare address":          {`198.51.100.1`, proxy},
		"BAD-31 empty for":             {`for=`, proxy},
		"BAD-31 empty quotes":          {`for=""`, proxy},
		"BAD-31 empty element":         {`for=198.51.100.1,,for=10.0.0.1`, "10.0.0.1"},
		"BAD-31 empty pairs":           {`;for=198.51.100.1;;proto=https;`, "198.51.100.1"},
		"BAD-31 spaces":                {`for=198.51.100.1 ; proto=https ,  for=10.0.0.1`, "198.51.100.1"},
		"BAD-31 space before equals":   {`for =198.51.100.1`, proxy},
		"BAD-31 name is no token":      {`"for"=198.51.100.1`, proxy},
		"BAD-31 comma in quotes":       {`for=198.51.100.1;host="a, for=9.9.9.9"`, "198.51.100.1"},
		"BAD-31 semicolon in quotes":   {`host="a;for=9.9.9.9";for=198.51.100.1`, "198.51.100.1"},
		"BAD-31 escaped quote":         {`for=198.51.100.1;host="a\", for=9.9.9.9"`, "198.51.100.1"},
		"BAD-31 comma, escaped quote":  {`for=198.51.100.1;host="a, for=9.9.9.9;x=\""`, "198.51.100.1"},
		"BAD-31 quote inside a value":  {`for=198.51.100.1;host=a"b"`, proxy},
		"BAD-31 escaped backslash":     {`host="a\\";for=198.51.100.1, for=10.0.0.1;host="\\"`, "198.51.100.1"},
		"BAD-31 escapes in for":        {`for="198.51.100\.1"`, proxy},
		"BAD-31 text behind a quote":   {`for="198.51.100.1"x`, proxy},
		"BAD-31 quote in a value":      {`for=198.51.100.1"`, proxy},
		"BAD-31 open quote":            {`for="198.51.100.1`, proxy},
		"BAD-31 client's open quote":   {`for=9.9.9.9;x=", for=198.51.100.1`, "198.51.100.1"},
		"BAD-31 the same, quoted":      {`for=9.9.9.9;x=", for="198.51.100.1:80"`, "198.51.100.1"},
		"BAD-31 client's backslash":    {`for=9.9.9.9;x="\, for="198.51.100.1:80"`, "198.51.100.1"},
		"BAD-31 client's quote, proxy": {`for=9.9.9.9;x=", for="10.0.0.1"`, "10.0.0.1"},
		"BAD-32 mapped":                {`for="[::ffff:198.51.100.1]"`, "198.51.100.1"},
		"BAD-33 zone":                  {`for="[fe80::1%eth0]"`, "fe80::1"},
		"BAD-34 leading zero":          {`for=198.51.100.01`, proxy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := text(resolver(t, "Forwarded").Addr(proxy, lines("Forwarded", c.line))); got != c.want {
				t.Errorf("Addr = %s, want %s", got, c.want)
			}
		})
	}
}

// Only the header of the configuration is read; a client may have sent the others.
func TestOneHeader(t *testing.T) {
	t.Parallel()
	all := map[string][]string{
		"X-Forwarded-For": {"198.51.100.1"},
		"Forwarded":       {"for=198.51.100.2"},
		"X-Real-Ip":       {"198.51.100.4"},
	}
	for header, want := range map[string]string{
		"": "198.51.100.1", "Forwarded": "198.51.100.2", "forwarded": "198.51.100.2", "X-Real-Ip": "198.51.100.4", "X-Client": proxy,
	} {
		if got := text(resolver(t, header).Addr(proxy, func(name string) []string { return all[name] })); got != want {
			t.Errorf("header %q: Addr = %s, want %s", header, got, want)
		}
	}
}

// TestParse: BAD-32, BAD-33, BAD-34. The peers that servers report.
func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"198.51.100.1:80":             "198.51.100.1",
		"198.51.100.1":                "198.51.100.1",
		"[2001:db8::1]:80":            "2001:db8::1",
		"[2001:db8::1]":               "2001:db8::1",
		"2001:db8::1":                 "2001:db8::1",
		"[fe80::1%eth0]:80":           "fe80::1",
		"fe80::1%eth0":                "fe80::1",
		"[::ffff:198.51.100.1]:80":    "198.51.100.1",
		"[::ffff:198.51.100.1%lo]:80": "198.51.100.1",
		"":                            "",
		"@":                           "",
		"/run/app.sock":               "",
		":80":                         "",
		"[]:80":                       "",
		"localhost:80":                "",
		"01.2.3.4":                    "",
		"0x7f.1":                      "",
		"198.51.100.1:080808":         "",
		"198.51.100.1:-1":             "",
		" 198.51.100.1":               "",
		"198.51.100.1\x00":            "",
	} {
		if got := text(Parse(in)); got != want {
			t.Errorf("Parse(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPrivate(t *testing.T) {
	t.Parallel()
	r, err := New(Config{Trusted: Private()})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{
		"127.0.0.1": true, "127.255.255.255": true, "10.255.0.1": true, "172.31.0.1": true, "192.168.255.1": true,
		"169.254.169.254": true, "::1": true, "fd00::1": true, "fe80::1%eth0": true, "::ffff:10.0.0.1": true,
		"126.0.0.1": false, "172.32.0.1": false, "192.169.0.1": false, "100.64.0.1": false, "::2": false, "fec0::1": false, "2001:db8::1": false,
	} {
		if got := r.trusts(Parse(addr)); got != want {
			t.Errorf("%s is private: %t, want %t", addr, got, want)
		}
	}
}

func TestAllocations(t *testing.T) {
	for header, line := range map[string]string{
		"X-Forwarded-For": "9.9.9.9, [2001:db8::1]:80, 10.0.0.1",
		"Forwarded":       `for=9.9.9.9, for="[2001:db8::1]:80";proto=https, for=10.0.0.1`,
	} {
		r, headers := resolver(t, header), map[string][]string{header: {line}}
		var got netip.Addr
		n := testing.AllocsPerRun(100, func() {
			got = r.Addr("192.0.2.1:4711", func(name string) []string { return headers[name] })
		})
		if n != 0 || text(got) != "2001:db8::1" {
			t.Errorf("%s: %v allocations for %s, want 0 for 2001:db8::1", header, n, got)
		}
	}
}

// FuzzAddr: BAD-30, BAD-31, BAD-32, BAD-33. No input panics, and what comes out is clean. What a client sends in front of a
// proxy's element, on the same line or another, makes no difference.
func FuzzAddr(f *testing.F) {
	for _, s := range []string{
		"198.51.100.1, 10.0.0.1", "[fe80::1%eth0]:80", "::ffff:10.0.0.1", "unknown,_obf,,", `for=9.9.9.9;x="`, `for="[2001:db8::1]:_x", for=10.0.0.1`,
	} {
		f.Add("192.0.2.1:80", s, s)
		f.Add(s, "", s)
	}
	f.Fuzz(func(t *testing.T, remote, first, second string) {
		if got, want := (&Resolver{}).Addr(remote, lines("X-Forwarded-For", first, second)), Parse(remote); got != want {
			t.Errorf("nobody is trusted: Addr = %v, want %v", got, want)
		}
		for _, header := range []string{"X-Forwarded-For", "Forwarded"} {
			r := resolver(t, header)
			for _, from := range []string{remote, proxy} {
				got := r.Addr(from, lines(header, first, second))
				if got.Is4In6() || got.Zone() != "" {
					t.Errorf("Addr = %v, with a zone or mapped", got)
				}
				if !got.IsValid() && Parse(from).IsValid() {
					t.Errorf("Addr is nothing, though the peer is %s", from)
				}
			}
			appended := "198.51.100.1"
			if header == "Forwarded" {
				appended = `for="198.51.100.1:80";host="a,b"`
			}
			for _, l := range [][]string{{first, second + ", " + appended}, {first, second, appended}} {
				if got := text(r.Addr(proxy, lines(header, l...))); got != "198.51.100.1" {
					t.Errorf("%s %q: Addr = %s, want 198.51.100.1", header, l, got)
				}
			}
		}
	})
}

func BenchmarkAddr(b *testing.B) {
	r, values := resolver(b, ""), lines("X-Forwarded-For", "9.9.9.9, 198.51.100.1, 10.0.0.1")
	b.ReportAllocs()
	for b.Loop() {
		r.Addr("192.0.2.1:4711", values)
	}
}
