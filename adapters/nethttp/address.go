package nethttp

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/qsessions/qsessions/core/clientip"
)

// address returns the address of the client. That the peer is one of a Unix socket is known from the connection, as middleware
// may write anything into RemoteAddr.
func address(r *http.Request, ip *clientip.Resolver) netip.Addr {
	addr := ip.Addr(r.RemoteAddr, r.Header.Values)
	if addr.IsValid() {
		return addr
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && strings.HasPrefix(local.Network(), "unix") {
		return ip.AddrUnix(r.Header.Values)
	}
	return addr
}
