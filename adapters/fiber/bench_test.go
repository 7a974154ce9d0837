package fibersession_test

import (
	"bufio"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

const ninth session.Key[string] = "key9"

var value = strings.Repeat("0123456789abcdef", 6) // 98 bytes as JSON

type measured struct {
	name, path string
	cookie     string
}

// requests returns an application, and the kinds of requests that are measured, with a session of ten keys.
func requests(tb testing.TB) (fasthttp.RequestHandler, []measured) {
	tb.Helper()
	m, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	_, cookie := sessiontest.Header(tb, m, func(s session.Session) {
		s.Login("alice")
		for i := range 10 {
			session.Key[string]("key"+strconv.Itoa(i)).Set(s, value)
		}
	})
	app := fiber.New()
	answer := func(c fiber.Ctx) error { return c.SendString("ok") }
	app.Get("/bare", answer)
	app.Use(fibersession.New(m, fibersession.Config{}))
	app.Get("/untouched", answer)
	app.Get("/read", fibersession.With(m, func(c fiber.Ctx, s session.Session) error {
		if ninth.Get(s) != value {
			tb.Error("the value is not there")
		}
		return answer(c)
	}))
	app.Get("/modify", fibersession.With(m, func(c fiber.Ctx, s session.Session) error {
		ninth.Set(s, value)
		return answer(c)
	}))
	return app.Handler(), []measured{
		{"bare", "/bare", cookie}, {"untouched without cookie", "/untouched", ""}, {"untouched", "/untouched", cookie},
		{"read", "/read", cookie}, {"modify", "/modify", cookie},
	}
}

// request returns the request as it has been read from a connection.
func (m measured) request(tb testing.TB) *fasthttp.RequestCtx {
	tb.Helper()
	text := "GET " + m.path + " HTTP/1.1\r\nHost: example.org\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept: text/html\r\n"
	if m.cookie != "" {
		text += "Cookie: " + m.cookie + "\r\n"
	}
	c := new(fasthttp.RequestCtx)
	c.Init(new(fasthttp.Request), &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711}, nil)
	if err := c.Request.Read(bufio.NewReader(strings.NewReader(text + "\r\n"))); err != nil {
		tb.Fatal(err)
	}
	return c
}

// again serves a request once more.
func again(h fasthttp.RequestHandler, c *fasthttp.RequestCtx) {
	c.Response.Reset()
	c.ResetUserValues()
	h(c)
}

// BenchmarkRequest measures requests with a session of ten keys, 98 bytes each, in memory.
func BenchmarkRequest(b *testing.B) {
	h, kinds := requests(b)
	for _, m := range kinds {
		c := m.request(b)
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				again(h, c)
			}
		})
	}
}

// TestAllocations holds what a request may cost beside its handler.
func TestAllocations(t *testing.T) {
	h, kinds := requests(t)
	bare := 0.0 // with the race detector pools lose some of what they are given
	for _, m := range kinds {
		c := m.request(t)
		n := testing.AllocsPerRun(1000, func() { again(h, c) })
		if m.name == "bare" {
			bare = n
		}
		t.Logf("%s: %v allocations", m.name, n)
		if more, ok := map[string]float64{"untouched without cookie": 2, "untouched": 4, "read": 20}[m.name]; ok && n > bare+more {
			t.Errorf("%s: %v allocations, want at most %v", m.name, n, bare+more)
		}
	}
}
