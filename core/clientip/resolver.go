// Package clientip finds the address of a client whose requests come through proxies.
//
// A proxy notes in a header where a request came from, and anybody can send that header. So a note counts only if a
// trusted proxy wrote it. A [Resolver] begins with the peer of the connection and walks the header from its right end,
// where the nearest proxy writes: as long as the address at hand is a trusted proxy's, the one to its left is believed.
// The first address that is not trusted is the client's. It reads one header, the one that the proxies maintain; any
// other may be the client's own.
//
// Middleware that replaces the peer's address by a header's, such as chi's RealIP, must not run before a Resolver: the peer is
// then the client's choice.
//
// Addresses have no zone and are never IPv4-mapped IPv6 addresses. Nothing here fails at request time: what cannot be
// understood is not believed. The package knows nothing of net/http.
package clientip

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Config says whom to believe. Its zero value believes nobody: the client is the peer of the connection.
type Config struct {
	// Trusted has the addresses of the proxies, as they are seen from the server and from each other. It must not have
	// an address that clients can have. [Private] fits where all proxies, and no clients, are in a private network.
	Trusted []netip.Prefix

	// Header is the name of the one header that all of the proxies maintain; default X-Forwarded-For. Forwarded is read
	// as RFC 7239 has it. Any other is read as a list of addresses, of which X-Real-IP and its like have one.
	Header string
}

// A Resolver finds client addresses. A nil or zero one trusts nobody. It is immutable, and safe for concurrent use.
type Resolver struct {
	trusted []netip.Prefix
	header  string
	parse   func(element string) (netip.Addr, bool)
}

// New returns a resolver, or an error that says what is wrong with c: a prefix that is invalid or of zero bits, which
// would trust everybody; one of IPv4-mapped IPv6 addresses, which would never match; a Header that is no header name.
func New(c Config) (*Resolver, error) {
	r := &Resolver{header: c.Header, parse: parseListed}
	switch {
	case r.header == "":
		r.header = "X-Forwarded-For"
	case strings.EqualFold(r.header, "Forwarded"):
		r.header, r.parse = "Forwarded", parseForwarded
	case !isToken(r.header):
		return nil, errors.New("clientip: Header is not the name of a header")
	}
	r.trusted = slices.Clone(c.Trusted)
	for _, p := range r.trusted {
		switch {
		case !p.IsValid():
			return nil, errors.New("clientip: Trusted has an invalid prefix")
		case p.Bits() == 0:
			return nil, fmt.Errorf("clientip: Trusted has %v, which is everybody", p)
		case p.Addr().Is4In6():
			return nil, fmt.Errorf("clientip: Trusted has %v: write it as an IPv4 prefix", p)
		}
	}
	return r, nil
}

// Private returns the prefixes of loopback, private and link-local networks: RFC 1122, RFC 1918, RFC 3927, RFC 4193 and
// RFC 4291. Trusting them is wrong where clients have such addresses, as in an office.
func Private() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("127.0.0.0/8"),
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("169.254.0.0/16"),
		netip.MustParsePrefix("::1/128"),
		netip.MustParsePrefix("fc00::/7"),
		netip.MustParsePrefix("fe80::/10"),
	}
}

// The walk looks at so many hops and so many bytes, from the right.
const (
	maxHops  = 32
	maxBytes = 4 << 10
)

// Addr returns the address of the client, or the zero Addr if it is unknown. remote is the peer of the connection, in
// any form that [Parse] knows. values returns the lines of a header in the order in which they came, as Values of an
// http.Header does; it is called only if the peer is trusted, and may be nil.
//
// Something that is no address, such as "unknown" or an empty element, ends the walk: the client is then known no better
// than by the last proxy that is. So does what is more than 32 hops or 4 KiB away from the right end.
func (r *Resolver) Addr(remote string, values func(name string) []string) netip.Addr {
	addr := Parse(remote)
	if values == nil || !r.trusts(addr) {
		return addr
	}
	w := walk{lines: values(r.header), left: maxBytes}
	for range maxHops {
		element, ok := w.next()
		if !ok {
			return addr
		}
		hop, ok := r.parse(element)
		if !ok {
			return addr
		}
		if addr = hop; !r.trusts(addr) {
			return addr
		}
	}
	return addr
}

func (r *Resolver) trusts(a netip.Addr) bool {
	if r == nil {
		return false
	}
	for _, p := range r.trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
