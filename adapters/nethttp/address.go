package nethttp

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/session"
)

// sender is the default of Config.Client.
func (mw *Middleware) sender(r *http.Request) session.Client {
	sender := session.Client{IP: mw.address(r), UserAgent: r.UserAgent()}
	if mw.config.ClientHints {
		sender.Hints = session.ReadHints(r.Header.Get)
	}
	return sender
}

// address returns the address of the client. That the peer is one of a Unix socket is known from the connection, as middleware
// may write anything into RemoteAddr.
func (mw *Middleware) address(r *http.Request) netip.Addr {
	rewritten := lacksPort(r.RemoteAddr)
	if rewritten {
		mw.warn(r, &mw.rewritten, "RemoteAddr has no port, so middleware in front has replaced it, perhaps by what a client wrote "+
			"(chi's RealIP): it is not believed; remove that middleware and set Config.ClientIP, or set Config.Client")
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && strings.HasPrefix(local.Network(), "unix") {
		return mw.config.ClientIP.AddrUnix(r.Header.Values)
	}
	if rewritten {
		return netip.Addr{}
	}
	return mw.config.ClientIP.Addr(r.RemoteAddr, r.Header.Values)
}

// lacksPort reports whether remote is an IP address without a port. The peer of a Unix socket ("", "@" or a path) is none.
func lacksPort(remote string) bool {
	last := strings.LastIndexByte(remote, ':')
	if last > 0 && (remote[last-1] == ']' || strings.IndexByte(remote, ':') == last) {
		return false
	}
	return clientip.Parse(remote).IsValid()
}
