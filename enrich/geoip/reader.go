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
	cfg   Config
	order []language
	data  atomic.Pointer[databases] // nil: closed

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
	r := &Reader{cfg: c, order: first(languagesOf(c.Languages), defaultOrder()), sources: c.sources()}
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
	r.data.Store(nil)
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
// loopback, private, link-local, multicast, and those between a provider and its customers (RFC 6598). It takes some
// microseconds. An error means that a database is damaged, or that the reader is closed.
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
	ip = ip.Unmap()
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
