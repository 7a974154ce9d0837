package demo

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/enrich/geoip"
	"github.com/qsessions/qsessions/tools/internal/mmdb"
)

// Places find where clients are. Those of a demo are on this machine or near it, and its addresses are nowhere: each of
// their browsers is given an example address instead, and the page says so. So are, where places are real, the addresses
// of made-up sessions.
type Places struct {
	reader   *geoip.Reader
	examples []netip.Addr
	madeUp   bool
}

// MadeUp reports whether what is known of addresses is made up.
func (p *Places) MadeUp() bool { return p.madeUp }

// OpenPlaces opens the databases in a folder. The example addresses are some of MaxMind's documentation, and of universities.
func OpenPlaces(dir string, log *slog.Logger) (*Places, error) {
	r, err := geoip.Open(geoip.Config{Dir: dir, Logger: log})
	if err != nil {
		return nil, err
	}
	p := &Places{reader: r}
	for _, ip := range []string{
		"89.160.20.112", "81.2.69.142", "216.160.83.56", "175.16.199.1", "129.132.1.1", "130.54.1.1", "137.158.1.1", "143.107.1.1",
		"128.232.1.1", "134.76.1.1", "130.89.1.1", "171.64.1.1", "128.130.1.1", "130.237.1.1",
	} {
		p.examples = append(p.examples, netip.MustParseAddr(ip))
	}
	return p, nil
}

// ExamplePlaces makes a database of its own, for addresses that RFC 5737 and RFC 3849 reserve for documentation.
func ExamplePlaces() (p *Places, err error) {
	p = &Places{madeUp: true}
	for _, c := range atlas() {
		p.examples = append(p.examples, c.v4.Addr().Next())
	}
	b, err := mmdb.City(time.Now(), examplePlaces()...)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "qsessions-demo-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "GeoLite2-City.mmdb")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return nil, err
	}
	p.reader, err = geoip.Open(geoip.Config{City: file}) // reads it into memory
	return p, err
}

// asIf is the name of the fact which address a place is that of, if it is not the client's.
const asIf = "as if from"

// Enrich implements [session.Enricher].
func (p *Places) Enrich(ctx context.Context, c session.Client) (session.Facts, error) {
	by, pretend := c.UserAgent, c.IP.IsLoopback() || c.IP.IsPrivate()
	if network, ok := documented(c.IP); ok && !p.madeUp {
		by, pretend = network.String(), true
	}
	if pretend {
		c.IP = p.examples[int(sha256.Sum256([]byte(by))[0])%len(p.examples)]
	}
	f, err := p.reader.Enrich(ctx, c)
	if pretend && err == nil {
		f.Extra = map[string]string{asIf: c.IP.String()}
	}
	return f, err
}

// Run picks up new databases until ctx is done.
func (p *Places) Run(ctx context.Context) error { return p.reader.Run(ctx) }

// localize asks for names of places in the reader's language; a database of one's own has more than English.
func localize(ctx context.Context, language string) context.Context {
	return geoip.WithLanguages(ctx, language)
}
