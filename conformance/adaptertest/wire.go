package adaptertest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// An answer is a response whose body was read.
type answer struct {
	status int
	header http.Header
	body   string
	hints  []http.Header // of the informational responses before
}

// A wire is a connection on which requests are written as they are, byte by byte.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
	host string
	stop func() bool
}

// dial opens a connection to the server.
func (e *env) dial() (*wire, error) {
	u, err := url.Parse(e.url)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("the URL %q of the server is not like http://127.0.0.1:8080", e.url)
	}
	conn, err := new(net.Dialer).DialContext(e.ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	w := &wire{conn: conn, r: bufio.NewReader(conn), host: u.Host}
	w.stop = context.AfterFunc(e.ctx, func() { _ = conn.Close() })
	return w, nil
}

func (w *wire) close() {
	w.stop()
	_ = w.conn.Close()
}

// A request is what is sent. Each line of the header is "Name: value".
type request struct {
	method, path string
	header       []string
	body         string
}

func (w *wire) send(r request) error {
	var b strings.Builder
	b.WriteString(r.method + " " + r.path + " HTTP/1.1\r\nHost: " + w.host + "\r\n")
	for _, line := range r.header {
		b.WriteString(line + "\r\n")
	}
	if r.body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.body))
	}
	b.WriteString("\r\n" + r.body)
	_, err := io.WriteString(w.conn, b.String())
	return err
}

// receive reads the response to a request with the given method.
func (w *wire) receive(method string) (*answer, error) { return w.receiveAt(method, func() {}) }

// receiveAt is receive that calls begun when the first byte of the body is there, or when there is none.
func (w *wire) receiveAt(method string, begun func()) (*answer, error) {
	a := new(answer)
	for {
		res, err := http.ReadResponse(w.r, &http.Request{Method: method})
		if err != nil {
			return nil, err
		}
		if res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
			a.hints = append(a.hints, res.Header)
			continue
		}
		from := bufio.NewReader(res.Body)
		_, _ = from.Peek(1)
		begun()
		body, err := io.ReadAll(from)
		_ = res.Body.Close()
		a.status, a.header, a.body = res.StatusCode, res.Header, string(body)
		return a, err
	}
}

// try sends a request on a connection of its own. What went wrong with the connection is an error.
func (e *env) try(r request) (*answer, error) { return e.tryAt(r, func() {}) }

// tryAt is try that calls begun when the first byte of the body is there, or when there is none.
func (e *env) tryAt(r request, begun func()) (*answer, error) {
	w, err := e.dial()
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := w.send(r); err != nil {
		return nil, err
	}
	return w.receiveAt(r.method, begun)
}

// do is try for a request that must be answered.
func (e *env) do(method, path string, header ...string) *answer {
	return e.must(request{method: method, path: path, header: header})
}

func (e *env) must(r request) *answer {
	a, err := e.try(r)
	if err != nil {
		e.Fatalf("%s %s: no answer: %v", r.method, r.path, err)
	}
	return a
}

// A browser keeps one cookie, or what else carries its token.
type browser struct {
	e      *env
	name   string // of the request header
	prefix string // before the token: the cookie's name and "="
	token  string
}

// line returns the request header with the token.
func (b *browser) line() string { return b.name + ": " + b.prefix + b.token }

// do sends a request with the token, and takes over the one that the answer has.
func (b *browser) do(method, path string, header ...string) *answer {
	if b.token != "" {
		header = append(header, b.line())
	}
	a := b.e.do(method, path, header...)
	b.take(a)
	return a
}

func (b *browser) get(path string, header ...string) *answer { return b.do("GET", path, header...) }

// take keeps the token that a has, or drops it.
func (b *browser) take(a *answer) {
	if b.prefix == "" {
		if v, ok := a.header[b.name]; ok && len(v) > 0 {
			b.token = v[0]
		}
		return
	}
	for _, line := range a.header["Set-Cookie"] {
		if value, ok := strings.CutPrefix(line, b.prefix); ok {
			b.token, _, _ = strings.Cut(value, ";")
		}
	}
}

// want ends the case unless GET path is answered with 200 and body.
func (b *browser) want(path, body string) *answer {
	a := b.get(path)
	b.e.answered("GET "+path, a, http.StatusOK, body)
	return a
}

// answered ends the case unless a has the status and the body.
func (e *env) answered(what string, a *answer, status int, body string) {
	if a.status != status || a.body != body {
		e.Fatalf("%s: got %d %.200q, want %d %q", what, a.status, a.body, status, body)
	}
}
