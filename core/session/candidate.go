package session

import (
	"slices"
	"strings"
)

const (
	maxCandidates = 8       // tokens of one request that are looked at
	maxCookies    = 3000    // as net/http: beyond that nothing is read
	maxHeader     = 1 << 20 // bytes of one header line
)

// candidates are the different well-formed tokens of a request: those that came under the name of today first, each kind in
// the order of the header. A browser may hold several cookies of one name, for several paths and domains, or one in each
// jar where Partitioned was turned on or off.
type candidates struct {
	found [maxCandidates]shown // without digests
	n     int
	own   int // how many of them came under the name of today
}

func (c *candidates) all() []shown { return c.found[:c.n] }

// add notes a token; the first of the same under one name is kept. Of too many those of old names go first.
func (c *candidates) add(t token, cookie uint8) {
	if slices.ContainsFunc(c.found[:c.n], func(o shown) bool { return o.token == t && o.cookie == cookie }) {
		return
	}
	at := c.n
	if cookie == 0 {
		at = c.own
	}
	if at == maxCandidates {
		return
	}
	c.n = min(c.n+1, maxCandidates)
	copy(c.found[at+1:c.n], c.found[at:])
	c.found[at] = shown{token: t, cookie: cookie}
	if cookie == 0 {
		c.own++
	}
}

// read collects the tokens in the lines of a Cookie header.
func (c *candidates) read(cookies []Cookie, lines []string) {
	seen := 0
	for _, line := range lines {
		if len(line) > maxHeader {
			continue
		}
		for line != "" {
			var part string
			part, line, _ = strings.Cut(line, ";")
			if seen++; seen > maxCookies {
				*c = candidates{}
				return
			}
			name, value, ok := strings.Cut(strings.TrimLeft(part, " \t"), "=")
			if !ok || len(value) != tokenLen {
				continue
			}
			for i := range cookies {
				if cookies[i].Name != name {
					continue
				}
				if t, ok := parseToken(value); ok {
					c.add(t, uint8(i))
				}
				break
			}
		}
	}
}

// readHeader takes the token of Config.Header.
func (c *candidates) readHeader(lines []string) {
	if len(lines) == 0 {
		return
	}
	text := lines[0]
	if len(text) > len("Bearer ") && strings.EqualFold(text[:len("Bearer ")], "Bearer ") {
		text = text[len("Bearer "):]
	}
	if t, ok := parseToken(text); ok {
		c.add(t, 0)
	}
}

// A Fetch is how a request came about: its method, and what the browser says of it by Fetch Metadata (W3C). It tells whether
// a browser has withheld the session's cookie from a request of another site.
type Fetch struct {
	Method string
	Site   string // Sec-Fetch-Site
	Mode   string // Sec-Fetch-Mode
	Dest   string // Sec-Fetch-Dest
}

// ReadFetch returns the Fetch of a request. header returns a field's first line, by its name as net/http writes it.
func ReadFetch(method string, header func(name string) string) Fetch {
	site := header("Sec-Fetch-Site")
	if site != "cross-site" {
		return Fetch{Site: site}
	}
	return Fetch{method, site, header("Sec-Fetch-Mode"), header("Sec-Fetch-Dest")}
}

// withholds reports whether a browser keeps a cookie back from such a request, so that there may be one although none came.
func (f *Fetch) withholds(s SameSite) bool {
	if f.Site != "cross-site" || s == SameSiteNone {
		return false
	}
	safe := f.Method == "GET" || f.Method == "HEAD"
	return s == SameSiteStrict || !safe || f.Mode != "navigate" || f.Dest != "document"
}

// A jar is what a request shows of the browser's cookies.
type jar struct {
	own int    // tokens that came under the name of today
	old uint32 // bits: the old cookies that tokens came under
}

func (c *candidates) jar() jar {
	j := jar{own: c.own}
	for _, s := range c.found[c.own:c.n] {
		j.old |= 1 << s.cookie
	}
	return j
}

// crowded reports whether the browser shows several cookies of the name of today, of which all but one can be taken back.
func (m *Manager) crowded(j jar) bool {
	return j.own > 1 && (m.cookies[0].twoJars() || slices.ContainsFunc(m.cookies[1:], func(o Cookie) bool { return o.Name == m.cookies[0].Name }))
}

// obeys reports whether the browser shows a cookie too many that is certain to go when it is taken back: by its prefix it has
// no other domain and path.
func (m *Manager) obeys(j jar) bool {
	for i := range m.cookies {
		if m.cookies[i].host() && (i > 0 && j.old&(1<<i) != 0 || i == 0 && j.own > 1) {
			return true
		}
	}
	return false
}

// twoJars reports whether several cookies of the name mean that the browser has one in each of its jars, the partitioned and
// the other. Of a name without the prefix __Host- there may be several in one.
func (c *Cookie) twoJars() bool { return c.Partitioned || c.host() }

// takeBack renders the Set-Cookie lines, one below the other, that take back the cookies of other names and scopes. The
// response hands out the cookie of today, or takes it back, too.
func (m *Manager) takeBack(j jar) string {
	own := &m.cookies[0]
	var lines []string
	for i := 1; i < len(m.cookies); i++ {
		if old := &m.cookies[i]; j.old&(1<<i) != 0 || old.Name == own.Name {
			lines = append(lines, old.header("", 0))
		}
	}
	if own.Partitioned && j != (jar{}) || own.host() && j.own > 1 {
		other := *own
		other.Partitioned = !own.Partitioned
		if line := other.header("", 0); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// sameJar reports whether a browser has one place for c and o.
func (c Cookie) sameJar(o Cookie) bool {
	return c.Name == o.Name && strings.EqualFold(c.Domain, o.Domain) && c.Path == o.Path && c.Partitioned == o.Partitioned
}

// host reports whether the cookie's name has a prefix that ties it to this host and to the path "/".
func (c *Cookie) host() bool { return len(c.Name) >= 7 && strings.EqualFold(c.Name[:7], "__Host-") }
