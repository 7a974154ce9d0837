package clientip

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Config says whom to believe. Its zero value believes no one: the client is the peer of the connection.
type Config struct {
	// Trusted has the addresses of the proxies, as they are seen from the server and from each other. It must not have
	// an address that clients can have. [Private] fits where all proxies, and no clients, are in a private network.
	Trusted []netip.Prefix

	// Unix trusts the peer of a Unix socket, any process that may connect: see the package documentation. Default: it is not
	// trusted, and the client of its requests is unknown.
	Unix bool

	// Hops, if not 0, counts the proxies instead of comparing the addresses that they note: for a chain with proxies whose
	// addresses change, such as a CDN in front of a load balancer (2). The client is the Hops-th address from the right of
	// X-Forwarded-For or Forwarded, and Trusted has the addresses of the nearest proxy alone, the peer. All requests must
	// come through all of the proxies, and each of them must append one address: if one can be reached directly, a client that
	// does so chooses an address. At most 32; default: addresses are compared with Trusted.
	Hops int

	// Header is the name of the one header that all of the proxies maintain; default X-Forwarded-For. Forwarded is read
	// as RFC 7239 has it. Headers that a proxy sets to the one address of the client are not believed if they have two:
	// X-Real-IP, True-Client-IP, CF-Connecting-IP, CloudFront-Viewer-Address, Fastly-Client-IP, Fly-Client-IP,
	// X-Azure-ClientIP, X-Client-IP and others of the kind. Any other is read as a list, like X-Forwarded-For.
	// Believe such a header only if the proxy overwrites it in every request. Otherwise it is the client's.
	Header string

	// BarePort says that each address in Header ends in a colon and a port, an IPv6 address without brackets too:
	// "2001:db8::9:9985" is port 9985 of 2001:db8::9. Where there are no ports it cuts the last group off. It is implied
	// for CloudFront-Viewer-Address; elsewhere the default is false. Ports behind IPv4 addresses and brackets are always
	// understood.
	BarePort bool
}

// New returns a resolver, or an error if c has one of these faults:
//
//   - a prefix that is invalid, of zero bits, which would trust everyone, or of IPv4-mapped IPv6 addresses, which would never
//     match,
//   - a Header that is no header name,
//   - Hops that is negative, more than 32, without a peer to trust by Trusted or Unix, or with a header of one address,
//   - BarePort with Forwarded, which has brackets.
func New(c Config) (*Resolver, error) {
	r := &Resolver{trusted: slices.Clone(c.Trusted), unix: c.Unix, hops: c.Hops, header: c.Header, parse: parseListed}
	switch {
	case c.Header == "":
		r.header = "X-Forwarded-For"
	case isHeader(c.Header, "Forwarded"):
		r.header, r.parse = "Forwarded", parseForwarded
	case !isToken(c.Header):
		return nil, errors.New("clientip: Header is not the name of a header")
	}
	for _, p := range r.trusted {
		switch {
		case !p.IsValid():
			return nil, errors.New("clientip: Trusted has an invalid prefix")
		case p.Bits() == 0:
			return nil, fmt.Errorf("clientip: Trusted has %v, which is everyone", p)
		case p.Addr().Is4In6():
			return nil, fmt.Errorf("clientip: Trusted has %v: write it as an IPv4 prefix", p)
		}
	}
	r.single = isHeader(r.header, singles()...)
	switch {
	case c.Hops < 0 || c.Hops > maxHops:
		return nil, fmt.Errorf("clientip: Hops is %d, want 0 to %d", c.Hops, maxHops)
	case c.Hops > 0 && len(c.Trusted) == 0 && !c.Unix:
		return nil, errors.New("clientip: Hops needs a peer to trust, by Trusted or Unix: otherwise any client that reaches the server chooses its address")
	case c.Hops > 1 && r.single:
		return nil, fmt.Errorf("clientip: Hops is %d, but %s has one address", c.Hops, r.header)
	}
	if c.BarePort || isHeader(r.header, "CloudFront-Viewer-Address") {
		if r.header == "Forwarded" {
			return nil, errors.New("clientip: BarePort does not go with Forwarded")
		}
		r.parse = parseBarePort
	}
	return r, nil
}

// singles returns the headers that have the one address of the client, because the proxy sets them and appends nothing.
func singles() []string {
	return []string{
		"X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "True-Client-IP", // nginx, HAProxy and others
		"CF-Connecting-IP", "CF-Connecting-IPv6", "CF-Pseudo-IPv4", "CloudFront-Viewer-Address", "Fastly-Client-IP", "Fly-Client-IP",
		"X-Azure-ClientIP", "X-Azure-SocketIP", "X-Appengine-User-IP", "DO-Connecting-IP", "X-NF-Client-Connection-IP", "X-Envoy-External-Address",
	}
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
