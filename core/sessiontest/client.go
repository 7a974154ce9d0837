package sessiontest

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// A Client is a browser, or another program, that makes requests of a manager's application one after the other, and keeps
// the cookies that it gets. It is for one goroutine.
//
// It keeps cookies by their name alone until a response takes them back, and sends all of them with each request. It does
// not look at Domain, Path, Secure and SameSite, and no cookie of it expires: to test those use a browser.
type Client struct {
	// Client is the sender of the requests. It may be changed between them. NewClient sets the address 192.0.2.1, as package
	// httptest does, and the User-Agent "sessiontest".
	session.Client

	t       TB
	m       *session.Manager
	cookies []string // name=value
	token   string   // of Config.Header
}

// NewClient returns a client of m without cookies.
func NewClient(t TB, m *session.Manager) *Client {
	return &Client{Client: session.Client{IP: netip.AddrFrom4([4]byte{192, 0, 2, 1}), UserAgent: "sessiontest"}, t: t, m: m}
}

// Do makes a request in which f gets the session, loaded, and commits the changes of f. An error ends the test.
func (c *Client) Do(f func(session.Session)) {
	c.t.Helper()
	if err := c.Try(f); err != nil {
		c.t.Fatalf("sessiontest: %v", err)
	}
}

// Try is [Client.Do] that returns the error: of the load, when f is not called, or of the commit.
func (c *Client) Try(f func(session.Session)) error {
	ctx := c.Context()
	s, err := c.m.From(ctx)
	if err != nil {
		c.m.Close(ctx)
		return err
	}
	f(s)
	return c.Commit(ctx)
}

// Context returns the context of a request of the client, for a handler that is called without middleware: it finds the
// session by [session.From]. [Client.Commit] ends the request. Middleware would take the session for that of an outer one,
// and not commit it: for requests through middleware use [Client.Send].
func (c *Client) Context() context.Context {
	var lines []string
	if v := c.value(); v != "" {
		lines = append(lines, v)
	}
	ctx, _ := c.m.Start(c.t.Context(), c.Client, lines...)
	return ctx
}

// Session returns the session of a context of [Client.Context], for a handler that takes it as an argument. An error ends
// the test.
func (c *Client) Session(ctx context.Context) session.Session {
	c.t.Helper()
	s, err := c.m.From(ctx)
	if err != nil {
		c.t.Fatalf("sessiontest: %v", err)
	}
	return s
}

// Commit ends the request of a context of [Client.Context] as middleware does, and returns the error of the commit. The
// client keeps the cookie that it gets.
func (c *Client) Commit(ctx context.Context) error {
	e, err := c.m.Commit(ctx)
	c.m.Close(ctx)
	h := header{}
	e.Apply(h)
	c.Receive(h)
	return err
}

// Send sets the fields of a request's header: the cookies, or Config.Header, and the User-Agent. The address is not in a
// header; see [Client.RemoteAddr].
//
//	client.IP = netip.MustParseAddr("203.0.113.7")
//	req := httptest.NewRequest("GET", "/", nil)
//	req.RemoteAddr = client.RemoteAddr()
//	client.Send(req.Header)
//	w := httptest.NewRecorder()
//	site.Handler(mux).ServeHTTP(w, req)
//	client.Receive(w.Header())
func (c *Client) Send(h session.Header) {
	if v := c.value(); v != "" {
		h.Set(c.m.RequestHeader(), v)
	}
	if c.UserAgent != "" {
		h.Set("User-Agent", c.UserAgent)
	}
}

// Receive keeps the cookies, or the Config.Header, of a response's header, and gives up those that it takes back.
func (c *Client) Receive(h session.Header) {
	if name := c.m.RequestHeader(); name != "Cookie" {
		if v := h.Values(name); len(v) > 0 {
			c.token = v[0]
		}
		return
	}
	for _, line := range h.Values("Set-Cookie") {
		pair, attributes, _ := strings.Cut(line, ";")
		pair = strings.TrimSpace(pair)
		name, _, _ := strings.Cut(pair, "=")
		same := func(o string) bool { return strings.HasPrefix(o, name+"=") }
		at := slices.IndexFunc(c.cookies, same)
		gone := takenBack(attributes)
		switch {
		case gone && at >= 0:
			c.cookies = slices.Delete(c.cookies, at, at+1)
		case gone, name == "" || name == pair:
		case at >= 0:
			c.cookies[at] = pair
		default:
			c.cookies = append(c.cookies, pair)
		}
	}
}

// takenBack reports whether a cookie with these attributes ends at once: Max-Age counts, and Expires where there is none.
func takenBack(attributes string) (gone bool) {
	for a := range strings.SplitSeq(attributes, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(a), "=")
		switch {
		case strings.EqualFold(name, "Max-Age"):
			if n, err := strconv.Atoi(value); err == nil {
				return n <= 0
			}
		case strings.EqualFold(name, "Expires"):
			for _, form := range [...]string{time.RFC1123, "Mon, 02-Jan-2006 15:04:05 MST"} {
				if t, err := time.Parse(form, value); err == nil {
					gone = !t.After(time.Now())
				}
			}
		}
	}
	return gone
}

// RemoteAddr is the address with a port, as net/http has it in a request.
func (c *Client) RemoteAddr() string { return netip.AddrPortFrom(c.IP, 1234).String() }

// value is that of the request header with the token; "" is none.
func (c *Client) value() string {
	if c.m.RequestHeader() != "Cookie" {
		return c.token
	}
	return strings.Join(c.cookies, "; ")
}

// header is a header that core can have without net/http.
type header map[string][]string

// Values implements [session.Header].
func (h header) Values(name string) []string { return h[name] }

// Add implements [session.Header].
func (h header) Add(name, value string) { h[name] = append(h[name], value) }

// Set implements [session.Header].
func (h header) Set(name, value string) { h[name] = []string{value} }
