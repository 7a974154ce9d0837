// Package clientip finds the address of a client whose requests come through proxies.
//
// A proxy notes in a header where a request came from, and anyone can send that header. So a note counts only if a
// trusted proxy wrote it. A [Resolver] begins with the peer of the connection and walks the header from its right end,
// where the nearest proxy writes: as long as the address at hand is a trusted proxy's, the one to its left is believed.
// The first address that is not trusted is the client's. It reads one header, the one that the proxies maintain; any
// other may be the client's own.
//
// # Middleware that changes RemoteAddr
//
// Use nothing else that looks for the client's address in front of a Resolver. RealIP of chi, which deprecates
// it, ProxyHeaders of gorilla/handlers and their like overwrite the RemoteAddr of a request with the content of a header,
// without a look at who sent it. Behind them EVERY CLIENT CHOOSES ITS OWN ADDRESS: the one in lists of sessions, in logs and
// in rate limits. A Resolver cannot tell, because the real peer is gone. It even believes the rest of the header if a client
// chooses the address of a trusted proxy. Remove such middleware, or put it behind the middleware that has the Resolver.
// RealIP of echo's Context and ClientIP of gin's leave RemoteAddr alone, but follow settings of their own.
//
// # Unix sockets
//
// A server behind a local proxy may listen on a Unix socket, its own or one that systemd passes to it. The peer of such a
// connection has no address: net/http calls it "@", or by the name of the socket that the proxy has bound, which may be an
// abstract one. Without Config.Unix the client of such a request is unknown. With it, every process that may connect to the
// socket is trusted as a proxy: permissions of the socket's file decide who may. An abstract socket has none, so every process
// in the same network namespace may.
//
// # Results
//
// Addresses have no zone and are never IPv4-mapped IPv6 addresses. Nothing here fails at request time: what cannot be
// understood is not believed. The package knows nothing of net/http.
package clientip

import (
	"net/netip"
	"strings"
)

// A Resolver finds client addresses. A nil or zero one trusts no peer. It is immutable, and safe for concurrent use.
type Resolver struct {
	trusted []netip.Prefix
	unix    bool
	hops    int  // 0: by trusted
	single  bool // the header has one address
	header  string
	parse   func(element string) (netip.Addr, bool)
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
//
// For a peer that has no address there is [Resolver.AddrUnix].
func (r *Resolver) Addr(remote string, values func(name string) []string) netip.Addr {
	addr := Parse(remote)
	if !r.trusts(addr) {
		return addr
	}
	return r.walk(addr, values)
}

// AddrUnix is Addr for a request over a Unix socket. An adapter calls it only where it knows that from the connection:
// RemoteAddr does not tell, because middleware may have changed it. Without Config.Unix it returns the zero Addr.
func (r *Resolver) AddrUnix(values func(name string) []string) netip.Addr {
	if r == nil || !r.unix {
		return netip.Addr{}
	}
	return r.walk(netip.Addr{}, values)
}

// walk begins with the address of a peer that is trusted.
func (r *Resolver) walk(addr netip.Addr, values func(name string) []string) netip.Addr {
	if values == nil {
		return addr
	}
	limit := maxHops
	if r.hops > 0 {
		limit = r.hops
	}
	w := walk{lines: values(r.header), left: maxBytes}
	if r.single {
		element, ok := w.next()
		hop, parsed := r.parse(element)
		if _, more := w.next(); !ok || !parsed || more { // if there are two, one of them may be the client's
			return addr
		}
		return hop
	}
	for range limit {
		element, ok := w.next()
		if !ok {
			return addr
		}
		hop, ok := r.parse(element)
		if !ok {
			return addr
		}
		if addr = hop; r.hops == 0 && !r.trusts(addr) {
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

// isHeader reports whether name is one of the headers, in any case.
func isHeader(name string, headers ...string) bool {
	for _, h := range headers {
		if strings.EqualFold(name, h) {
			return true
		}
	}
	return false
}
