package geoip

import (
	"context"
	"fmt"
	"io/fs"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/qsessions/qsessions/core/session"
)

// A Reader finds locations of addresses. It is safe for concurrent use.
type Reader struct {
	cfg    Config
	order  []language
	data   atomic.Pointer[databases] // nil: closed
	closed chan struct{}

	mu      sync.Mutex // one reload at a time
	sources []*source
}

// Open reads the databases into memory. Its error says which file is missing, truncated, damaged or of another type, and
// which field of Config means it. Of the records it tries a sample: to find all damage would take seconds.
func Open(c Config) (*Reader, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	r := &Reader{cfg: c, order: first(languagesOf(c.Languages), defaultOrder()), closed: make(chan struct{}), sources: c.sources()}
	r.cfg.Languages = nil
	r.data.Store(new(databases))
	if _, bad := r.reload(true); len(bad) > 0 {
		return nil, bad[0]
	}
	if d := r.data.Load(); d.city == nil && d.country == nil {
		return nil, fmt.Errorf("geoip: Config.Dir: there is neither a City nor a Country database in %s", c.Dir)
	}
	return r, nil
}

// Close drops the databases. Later look-ups fail with [fs.ErrClosed]; those that have begun go on.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.data.Swap(nil) != nil {
		close(r.closed)
	}
	r.sources = nil
	return nil
}

// Enrich implements [session.Enricher]: it finds the location, as [Reader.Locate] does, in the languages of [WithLanguages]
// and then of [Config.Languages].
func (r *Reader) Enrich(ctx context.Context, c session.Client) (session.Facts, error) {
	if err := ctx.Err(); err != nil {
		return session.Facts{}, err
	}
	prefer := r.order
	if best, ok := ctx.Value(languagesKey{}).([]language); ok && len(best) > 0 {
		prefer = first(best, prefer)
	}
	l, err := r.locate(c.IP, prefer)
	return session.Facts{Location: l}, err
}

// Locate finds the location of ip, with names in the first of the languages that has one, and then of [Config.Languages].
// They are as in [WithLanguages]. What no database knows is the zero Location, and so are addresses that are nowhere: invalid,
// loopback, private, link-local, multicast, and those between a provider and its customers (RFC 6598). An IPv4 address inside an
// IPv6 address, of 6to4, NAT64 or a client of Teredo, is where it is. It takes some microseconds. An error means that a
// database is damaged, or that the reader is closed.
func (r *Reader) Locate(ip netip.Addr, languages ...string) (session.Location, error) {
	prefer := r.order
	if len(languages) > 0 {
		prefer = first(languagesOf(languages), prefer)
	}
	return r.locate(ip, prefer)
}

func (r *Reader) locate(ip netip.Addr, prefer []language) (session.Location, error) {
	d := r.data.Load()
	if d == nil {
		return session.Location{}, errClosed
	}
	ip = inside(ip)
	if !somewhere(ip) {
		return session.Location{}, nil
	}
	l, err := d.locate(ip, prefer)
	if err != nil {
		return session.Location{}, fmt.Errorf("geoip: %w", err)
	}
	return l, nil
}

var errClosed = fmt.Errorf("geoip: the reader is closed: %w", fs.ErrClosed)

var (
	sixToFour = netip.MustParsePrefix("2002::/16")    // RFC 3056
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	teredo    = netip.MustParsePrefix("2001::/32")    // RFC 4380
)

// inside returns the IPv4 address of the client where ip carries it, and else ip. Databases know some of these forms, but of
// Teredo only the server.
func inside(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip
	}
	b := ip.As16()
	switch {
	case sixToFour.Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6]))
	case nat64.Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:]))
	case teredo.Contains(ip):
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})
	}
	return ip
}

// somewhere reports whether ip may be in one place of the world.
func somewhere(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	if ip.Is4() {
		b := ip.As4()
		return b[0] != 100 || b[1]&0xc0 != 64 // 100.64.0.0/10
	}
	return true
}
