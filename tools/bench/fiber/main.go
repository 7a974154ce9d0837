// Fiber measures what a session costs in Fiber, with this library and with Fiber's own middleware, against the bare handler,
// in one process and in turn; and what races cost both. It is a module of its own, so that nothing else needs Fiber's
// storages.
//
//	go run ./tools/bench/fiber
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/storage/redis/v3"
	"github.com/valyala/fasthttp"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/bench"
)

func main() {
	d := flag.Duration("for", 3*time.Second, "how long each line is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *d); err != nil {
		fmt.Fprintln(os.Stderr, "fiber:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, d time.Duration) (err error) {
	server, err := testserver.Start(ctx, testserver.KindRedis, testserver.Options{})
	if err != nil {
		return err
	}
	defer server.Stop()
	db, err := rueidisstore.Open(ctx, "redis://"+server.Addr, rueidisstore.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	storage := redis.New(redis.Config{Addrs: []string{server.Addr}, PoolSize: workers})
	defer func() { err = errors.Join(err, storage.Close()) }()

	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "store\trequest\tgoroutines\tbare\tthis library\tabove bare\tFiber's own\ttimes as much\tallocs of this\tof Fiber's own\ttarget")
	for _, at := range []struct {
		name  string
		store store.Store
		other fiber.Storage
	}{{"memory", new(memory.Store), nil}, {"Redis " + server.Version, db, storage}} {
		mine, err := newOurs(at.store, session.Policy{})
		if err != nil {
			return err
		}
		this, own := newApp(mine, newRace()).Handler(), newApp(theirs{at.other}, newRace()).Handler()
		for _, c := range cases {
			for _, n := range []int{1, workers} {
				if err := c.measure(ctx, w, at.name, n, d, this, own); err != nil {
					return err
				}
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return raceTable(ctx, db, storage, server.Version)
}

func raceTable(ctx context.Context, db store.Indexed, storage fiber.Storage, version string) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nsessions\tpairs\tupdates lost\talive after logout, late write\talive after logout, late read")
	touching := session.Policy{TouchEvery: time.Microsecond} // so that whatever only reads notes "last seen"
	inMemory, err := newOurs(new(memory.Store), touching)
	if err != nil {
		return err
	}
	inRedis, err := newOurs(db, touching)
	if err != nil {
		return err
	}
	for _, line := range []struct {
		name string
		l    library
	}{
		{"this library, memory", inMemory}, {"this library, Redis " + version, inRedis},
		{"Fiber's own, memory", theirs{}}, {"Fiber's own, Redis " + version, theirs{storage}},
	} {
		lost, err := races(ctx, line.l, pairs, logouts)
		if err != nil {
			return fmt.Errorf("%s: %w", line.name, err)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d of %d\t%d of %d\n", line.name, pairs, lost.updates, lost.lateWrite, logouts, lost.lateRead, logouts)
	}
	return w.Flush()
}

const (
	workers = 32
	pairs   = 1000
	logouts = 200
)

// A request is what is measured.
type request struct {
	name, path string
	known      bool          // with the cookie of a session of ten keys, 98 bytes each
	above      time.Duration // over the bare handler at most, with one goroutine in memory
	half       bool          // of what Fiber's own takes at most
}

var cases = []request{
	{name: "untouched, no cookie", path: "/untouched"},
	{name: "untouched, cookie", path: "/untouched", known: true, above: 700 * time.Nanosecond},
	{name: "read 1 key", path: "/read", known: true, half: true},
	{name: "modify 1 key", path: "/modify", known: true},
	{name: "create (login)", path: "/create"},
}

// measure prints one line.
func (r request) measure(ctx context.Context, w *tabwriter.Writer, store string, n int, d time.Duration, this, own fasthttp.RequestHandler) error {
	var meters [2]*bench.Meter
	for i, h := range []fasthttp.RequestHandler{this, own} {
		cookies := make([]string, n) // of a session for each goroutine
		for i := range cookies {
			var err error
			if r.known {
				if cookies[i], err = create(h); err != nil {
					return err
				}
			}
		}
		floor, err := serve(h, "/bare", cookies)
		if err != nil {
			return err
		}
		subject, err := serve(h, r.path, cookies)
		if err != nil {
			return err
		}
		if meters[i], err = bench.NewMeter(bench.Case{Workers: n, Floor: floor, Subject: subject}); err != nil {
			return err
		}
	}
	for start := time.Now(); time.Since(start) < d; {
		if err := errors.Join(ctx.Err(), meters[0].Round(), meters[1].Round()); err != nil {
			return err
		}
	}
	a, b := meters[0].Result(), meters[1].Result()
	target := ""
	switch {
	case r.above > 0 && n == 1 && store == "memory":
		target = verdict(fmt.Sprintf("bare + %.1f µs", micros(r.above)), a.Subject.Best-a.Floor.Best <= r.above)
	case r.half && n == 1:
		target = verdict("half of Fiber's own", 2*a.Subject.Best <= b.Subject.Best)
	}
	fmt.Fprintf(w, "%s\t%s\t%d\t%.2f / %.2f\t%.2f / %.2f\t%.2f\t%.2f / %.2f\t%.1f / %.1f\t%.0f\t%.0f\t%s\n", store, r.name, n,
		micros(a.Floor.Best), micros(a.Floor.Quiet), micros(a.Subject.Best), micros(a.Subject.Quiet), micros(a.Subject.Best-a.Floor.Best),
		micros(b.Subject.Best), micros(b.Subject.Quiet), float64(b.Subject.Best)/float64(a.Subject.Best),
		float64(b.Subject.Quiet)/float64(a.Subject.Quiet), a.Subject.Allocs, b.Subject.Allocs, target)
	return nil
}

func verdict(target string, holds bool) string {
	if holds {
		return target + ": holds"
	}
	return target + ": missed"
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// newRequest returns a request as it has been read from a connection.
func newRequest(path, cookie string) (*fasthttp.RequestCtx, error) {
	text := "GET " + path + " HTTP/1.1\r\nHost: example.org\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
		"Accept: text/html\r\nAccept-Language: en\r\n"
	if cookie != "" {
		text += "Cookie: " + cookie + "\r\n"
	}
	var c fasthttp.RequestCtx
	c.Init(&fasthttp.Request{}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711}, nil)
	return &c, c.Request.Read(bufio.NewReader(strings.NewReader(text + "\r\n")))
}

// serve is work of as many workers as there are cookies.
func serve(h fasthttp.RequestHandler, path string, cookies []string) (bench.Work, error) {
	requests := make([]*fasthttp.RequestCtx, len(cookies))
	for i, cookie := range cookies {
		var err error
		if requests[i], err = newRequest(path, cookie); err != nil {
			return nil, err
		}
	}
	return func(worker, n int) error {
		c := requests[worker]
		for range n {
			c.Response.Reset()
			c.ResetUserValues()
			h(c)
			if c.Response.StatusCode() != 200 || len(c.Response.Body()) != len(value) {
				return unexpected(path, c.Response.StatusCode(), c.Response.Body())
			}
		}
		return nil
	}, nil
}

// create returns the cookie of a new session.
func create(h fasthttp.RequestHandler) (string, error) {
	c, err := newRequest("/create", "")
	if err != nil {
		return "", err
	}
	h(c)
	for _, line := range c.Response.Header.Cookies() {
		cookie, _, _ := strings.Cut(string(line), ";")
		return cookie, nil
	}
	return "", unexpected("/create", c.Response.StatusCode(), c.Response.Body())
}
