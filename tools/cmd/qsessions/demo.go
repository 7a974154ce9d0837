package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/tools/internal/demo"
	"github.com/qsessions/qsessions/tools/internal/stores"
)

const demoAddr = "127.0.0.1:8080"

// The table is not the one of a real application: anybody can sign in here as anybody.
type demoCmd struct {
	Store   string `env:"QSESSIONS_STORE" placeholder:"ADDR" help:"Address of the store. Default: a SQLite file in your cache directory."`
	Table   string `default:"qsessions_demo" placeholder:"NAME" help:"Table of the sessions. Default: ${default}."`
	Cache   string `env:"QSESSIONS_CACHE" placeholder:"ADDR" help:"Address of a cache in front of the store: redis://host:6379 or memcached://host:11211. Its copies are authenticated, not encrypted. Default: none."`
	GeoIP   string `name:"geoip" placeholder:"DIR" help:"Folder with GeoLite2 or GeoIP2 databases, see geoip download. Default: the demo makes up a few places."`
	Seed    int    `default:"300" placeholder:"N" help:"Make up sessions until there are N, so that there is something to look at; 0 makes none. Default: ${default}."`
	Adapter string `default:"nethttp" enum:"nethttp,fiber" placeholder:"NAME" help:"Web framework: ${enum}. Default: ${default}."`
	Addr    string `placeholder:"HOST:PORT" help:"Where to listen. Default: 127.0.0.1:8080, or a free port if that one is taken."`
}

// Validate implements kong's check of a command line.
func (c *demoCmd) Validate() error {
	if c.Seed < 0 {
		return errors.New("--seed must not be negative")
	}
	return nil
}

// Run serves the demo until ctx is done.
func (c *demoCmd) Run(ctx context.Context, std stdio) (err error) {
	address, err := c.address()
	if err != nil {
		return err
	}
	s, err := address.Open(ctx, sqlxstore.Config{Table: c.Table})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(std.err, nil))
	sessions, where, closeCache, err := c.front(ctx, s, address, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeCache()) }()
	places, err := c.places(log)
	if err != nil {
		return err
	}
	if err := c.seed(ctx, sessions, std); err != nil {
		return err
	}
	app, err := demo.New(sessions, places, log)
	if err != nil {
		return err
	}
	l, err := c.listen(ctx, std.out)
	if err != nil {
		return err
	}
	explain(std.out, l.Addr(), where)
	if err := demo.Serve(ctx, l, app, demo.Adapter(c.Adapter)); err != nil {
		return err
	}
	fmt.Fprintln(std.out, "\nThe demo has ended. Its sessions are kept.")
	return nil
}

// seed makes up sessions, and shows on a terminal how far it is.
func (c *demoCmd) seed(ctx context.Context, s store.Indexed, std stdio) error {
	start := time.Now()
	shown := start
	n, err := demo.Seed(ctx, s, c.Seed, func(there int) {
		if std.terminal && (time.Since(shown) > 100*time.Millisecond || shown != start && there == c.Seed) {
			shown = time.Now()
			fmt.Fprintf(std.err, "\rMaking up sessions: %d of %d", there, c.Seed)
		}
	})
	if shown != start {
		fmt.Fprintln(std.err)
	}
	if n > 0 {
		fmt.Fprintf(std.out, "%d sessions were made up, in %v (--seed 0 makes none).\n", n, time.Since(start).Round(time.Millisecond))
	}
	if err != nil {
		return fmt.Errorf("making up sessions: %w", err)
	}
	return nil
}

func (c *demoCmd) places(log *slog.Logger) (*demo.Places, error) {
	if c.GeoIP == "" {
		return demo.ExamplePlaces()
	}
	return demo.OpenPlaces(c.GeoIP, log)
}

// front puts the cache before the store, if there is to be one, and says where sessions are.
func (c *demoCmd) front(ctx context.Context, db store.Indexed, address stores.Address, log *slog.Logger) (store.Indexed, string, func() error, error) {
	if c.Cache == "" {
		return db, "in " + address.String(), func() error { return nil }, nil
	}
	cache, err := stores.ParseCache(c.Cache)
	if err != nil {
		return nil, "", nil, err
	}
	// Demos on other databases may share the cache.
	s, closeCache, err := cache.Front(ctx, db, address.String()+" "+c.Table, 0, log)
	return s, "in " + address.String() + ", behind " + cache.String(), closeCache, err
}

// address returns the store's, and makes the directory of the default one.
func (c *demoCmd) address() (stores.Address, error) {
	if c.Store != "" {
		return stores.Parse(c.Store)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return stores.Address{}, fmt.Errorf("there is no cache directory for the demo's database (%w): name one with --store sqlite:PATH", err)
	}
	dir = filepath.Join(dir, "qsessions")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return stores.Address{}, fmt.Errorf("the demo's database: %w", err)
	}
	return stores.Parse("sqlite:" + filepath.Join(dir, "demo.db"))
}

func (c *demoCmd) listen(ctx context.Context, out io.Writer) (net.Listener, error) {
	var lc net.ListenConfig
	if c.Addr != "" {
		return lc.Listen(ctx, "tcp", c.Addr)
	}
	l, err := lc.Listen(ctx, "tcp", demoAddr)
	if err == nil {
		return l, nil
	}
	fmt.Fprintf(out, "%s cannot be used, so this is another port (%v).\n", demoAddr, err)
	return lc.Listen(ctx, "tcp", "127.0.0.1:0")
}

func explain(out io.Writer, addr net.Addr, where string) {
	fmt.Fprintf(out, `The demo is at http://%s/
Its sessions are %s

Try this:
  1. Open the address, put something into the cart, and sign in as alice. The cart stays.
  2. Open it in another browser, or in a private window, and sign in as alice there too.
  3. "Your sessions" shows both, with device and place, among others that are made up. Sign the other one out, and reload
     it over there.
  4. Sign in there again, then "Sign out … other sessions".
  5. Sign in as %s, the operator: "All sessions" shows everybody's. Filter them, look into one, end some, see the charts.
  6. Stop the demo with Ctrl-C and start it again: whoever was signed in still is.

Below is what happens to sessions. Cookies are without Secure and __Host- here, as this is plain http on the loopback;
an application on https has both by default.

`, reachable(addr), where, demo.Operator)
	if ip, err := netip.ParseAddrPort(addr.String()); err != nil || !ip.Addr().IsLoopback() {
		fmt.Fprintf(out, "WARNING: other machines may reach %s, and nobody needs a password.\n\n", addr)
	}
}

// reachable is the address that a browser on this machine can open: one that means all addresses is none.
func reachable(addr net.Addr) string {
	ip, err := netip.ParseAddrPort(addr.String())
	if err != nil || !ip.Addr().IsUnspecified() {
		return addr.String()
	}
	if ip.Addr().Is4() {
		return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), ip.Port()).String()
	}
	return fmt.Sprintf("localhost:%d", ip.Port()) // a socket of both families
}
