package fibersession_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/session"
)

// bridge serves h below /http/, and returns a connection to it.
func bridge(t *testing.T, h http.Handler, fc ...fiber.Config) *keepAlive {
	t.Helper()
	s := newSite(t, session.Config{}, fibersession.Config{}, fc...)
	s.App.Use("/http", fibersession.HTTP(h))
	s.Get("/old/*", func(c fiber.Ctx) error { c.Path("/http/n%20w"); return c.RestartRouting() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	start(t, s.App, l)
	return dial(t, l.Addr().String())
}

// send sends a request as it is, and reads the answer.
func (k *keepAlive) send(t *testing.T, method, text string) answer {
	t.Helper()
	if _, err := io.WriteString(k.conn, text); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(k.r, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(body)}
}

// TestHTTPRequest: a handler of net/http gets the request that net/http would give it, in memory of its own.
func TestHTTPRequest(t *testing.T) {
	t.Parallel()
	var kept *http.Request
	keep := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept = r
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, _ = fmt.Fprintf(w, "%s|%s|%s|%s|%s|%s|%d|%v|%s", r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.RequestURI, r.Host, r.Proto, r.ContentLength, r.TransferEncoding, b)
	})
	for _, stream := range []bool{false, true} {
		k := bridge(t, keep, fiber.Config{StreamRequestBody: stream})
		big := strings.Repeat("0123456789", 100_000)
		for name, c := range map[string][2]string{
			"GET":           {"GET /http/a%20b/%C3%BC;c?x=1&y=%20;z HTTP/1.1\r\nHost: Example.org:80\r\n\r\n", "GET|/http/a%20b/%C3%BC;c|x=1&y=%20;z|/http/a%20b/%C3%BC;c?x=1&y=%20;z|Example.org:80|HTTP/1.1|0|[]|"},
			"HTTP/1.0":      {"GET /http/ HTTP/1.0\r\nHost: example.org\r\nConnection: keep-alive\r\n\r\n", "GET|/http/||/http/|example.org|HTTP/1.0|0|[]|"},
			"absolute":      {"GET http://inner.example/http/?q HTTP/1.1\r\nHost: outer.example\r\n\r\n", "GET|/http/|q|http://inner.example/http/?q|inner.example|HTTP/1.1|0|[]|"},
			"POST":          {"POST /http/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", "POST|/http/||/http/|h|HTTP/1.1|5|[]|hello"},
			"big":           {fmt.Sprintf("PUT /http/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(big), big), fmt.Sprintf("PUT|/http/||/http/|h|HTTP/1.1|%d|[]|%s", len(big), big)},
			"replaced path": {"GET /old/x?q=1 HTTP/1.1\r\nHost: h\r\n\r\n", "GET|/http/n%20w|q=1|/old/x?q=1|h|HTTP/1.1|0|[]|"},
		} {
			a := k.send(t, "", c[0])
			if a.StatusCode != 200 || a.body != c[1] {
				t.Errorf("stream %t: %s: got %d %.300q, want %.300q", stream, name, a.StatusCode, a.body, c[1])
			}
		}
		chunked := k.send(t, "", "POST /http/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
		if !strings.HasSuffix(chunked.body, "|hello world") {
			t.Errorf("stream %t: a chunked body: got %q", stream, chunked.body)
		}
		if a := k.send(t, "", "GET /http/%zz HTTP/1.1\r\nHost: h\r\n\r\n"); a.StatusCode != 400 {
			t.Errorf("a path that is none: got %d %q", a.StatusCode, a.body)
		}

		k.send(t, "", "POST /http/kept?q HTTP/1.1\r\nHost: kept.example\r\nUser-Agent: kept/1\r\nX-Multi: a\r\nX-Multi: b\r\nCookie: q=\"x y\"; r=1\r\nCookie: s=2\r\nContent-Length: 4\r\n\r\nbody")
		first := kept
		header := http.Header{
			"User-Agent": {"kept/1"}, "X-Multi": {"a", "b"}, "Cookie": {`q="x y"; r=1`, "s=2"}, "Content-Length": {"4"},
		}
		for range 3 {
			k.send(t, "", "POST /http/other?other HTTP/1.1\r\nHost: xxxx.example\r\nUser-Agent: xxxxxx\r\nX-Multi: x\r\nX-Multi: x\r\nCookie: xxxxxxxxxx\r\nContent-Length: 4\r\n\r\nxxxx")
		}
		if first.URL.String() != "/http/kept?q" || first.Host != "kept.example" || first.Method != "POST" {
			t.Errorf("stream %t: a kept request became %v %v", stream, first.URL, first.Host)
		}
		for name, want := range header {
			if !slices.Equal(first.Header[name], want) {
				t.Errorf("stream %t: header %s: got %q, want %q", stream, name, first.Header[name], want)
			}
		}
		if len(first.Header) != len(header) {
			t.Errorf("stream %t: got header %q", stream, first.Header)
		}
		if _, err := first.Body.Read(make([]byte, 9)); !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("stream %t: the body of a kept request: %v", stream, err)
		}
		if first.Context().Err() == nil {
			t.Error("the context did not end with the handler")
		}
		if host, _, err := net.SplitHostPort(first.RemoteAddr); err != nil || host != "127.0.0.1" {
			t.Errorf("RemoteAddr is %q", first.RemoteAddr)
		}
	}
}

// TestHTTPResponse: the response is that of net/http, with what middleware in front has added.
func TestHTTPResponse(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789", 200_000)
	handlers := map[string]func(w http.ResponseWriter, r *http.Request){
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"html":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"cookies": func(w http.ResponseWriter, r *http.Request) {
			for i := range 3 {
				http.SetCookie(w, &http.Cookie{Name: fmt.Sprint("c", i), Value: "v", Path: "/"})
			}
			http.SetCookie(w, &http.Cookie{Name: "c0", Value: "again", Path: "/x"})
			http.Redirect(w, r, "/elsewhere", http.StatusSeeOther)
			w.Header().Set("X-Late", "not sent")
		},
		"big":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, strings.NewReader(big)) },
		"error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "gone", http.StatusGone) },
		"204": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(204)
			if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrBodyNotAllowed) {
				t.Errorf("204: Write returns %v", err)
			}
		},
		"304": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Etag", `"x"`); w.WriteHeader(304) },
		"content": func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "a.css", time.Unix(1e9, 0), strings.NewReader("body{}"))
		},
		"hints": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(201)
			w.WriteHeader(500)
			_, _ = io.WriteString(w, "ok")
		},
		"binary": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = w.Write([]byte{1})
		},
		"lines": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Lines", "a\r\nX-Injected: b")
			_, _ = io.WriteString(w, "x")
		},
		"outer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Outer", "replaced")
			w.Header().Del("X-Outer-Too")
			w.Header().Add("Vary", "Accept")
		},
	}
	outer := func(w http.Header) { w.Set("X-Outer", "1"); w.Set("X-Outer-Too", "2"); w.Add("Vary", "Origin") }
	mux := http.NewServeMux()
	for name, f := range handlers {
		mux.HandleFunc("/http/"+name, f)
	}
	s := newSite(t, session.Config{}, fibersession.Config{})
	s.App.Use(func(c fiber.Ctx) error {
		c.Set("X-Outer", "1")
		c.Set("X-Outer-Too", "2")
		c.Vary("Origin")
		return c.Next()
	})
	s.App.Use("/http", fibersession.HTTP(mux))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	start(t, s.App, l)
	own, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { outer(w.Header()); mux.ServeHTTP(w, r) })}
	go func() { _ = server.Serve(own) }()
	t.Cleanup(func() { _ = server.Close() })
	theirs, ours := dial(t, own.Addr().String()), dial(t, l.Addr().String())
	for name := range handlers {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			request := method + " /http/" + name + " HTTP/1.1\r\nHost: h\r\n\r\n"
			if method == "POST" {
				request = method + " /http/" + name + " HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
			}
			for name == "hints" {
				_, _ = io.WriteString(theirs.conn, request)
				if res, err := http.ReadResponse(theirs.r, nil); err != nil || res.StatusCode != 103 {
					t.Errorf("net/http: got %v, %v", res, err)
				}
				break
			}
			want := answer{}
			if name == "hints" {
				res, err := http.ReadResponse(theirs.r, &http.Request{Method: method})
				if err != nil {
					t.Fatal(err)
				}
				b, _ := io.ReadAll(res.Body)
				want = answer{res, string(b)}
			} else {
				want = theirs.send(t, method, request)
			}
			got := ours.send(t, method, request)
			if got.StatusCode != want.StatusCode || got.body != want.body {
				t.Errorf("%s %s: got %d %.80q, want %d %.80q", method, name, got.StatusCode, got.body, want.StatusCode, want.body)
			}
			for _, header := range []http.Header{got.Header, want.Header} {
				header.Del("Date")
				header.Del("Connection")
			}
			if method == "HEAD" && name != "content" || name == "big" || name == "nothing" { // either may count or not
				got.Header.Del("Content-Length")
				want.Header.Del("Content-Length")
			}
			if g, w := fmt.Sprint(got.Header), fmt.Sprint(want.Header); g != w {
				t.Errorf("%s %s: got header\n%s, want\n%s", method, name, g, w)
			}
		}
	}
}

// TestHTTPSession: the session is in the request's context, and is committed with the handler's response, also if the handler
// changes it late; a commit that fails replaces the response.
func TestHTTPSession(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, err := s.sessions.From(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "mine", Value: "1"})
		http.Redirect(w, r, "/done", http.StatusSeeOther)
		switch r.URL.Query().Get("do") {
		case "login":
			x.Login("alice")
		case "wrong":
			wrong.Set(x, nil)
		}
	})
	s.App.Use("/http", fibersession.HTTP(h))
	b := serve(t, s.App)("")
	if a := b.do("POST", "/http?do=login"); a.StatusCode != 303 || len(a.Header["Set-Cookie"]) != 2 || a.Header.Get("Location") != "/done" {
		t.Errorf("got %d %v", a.StatusCode, a.Header)
	}
	b.want("/get", 200, "user=alice note=")
	if a := b.do("POST", "/http?do=wrong"); a.StatusCode != 500 || a.Header.Get("Location") != "" || a.body != "Internal Server Error" {
		t.Errorf("got %d %q %v", a.StatusCode, a.body, a.Header)
	}
}

// TestHTTPCrossOrigin: requests of other origins are refused inside of the handler, as with net/http.
func TestHTTPCrossOrigin(t *testing.T) {
	t.Parallel()
	h := http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	k := bridge(t, h)
	for lines, status := range map[string]int{
		"":                                 200,
		"Sec-Fetch-Site: same-origin":      200,
		"Sec-Fetch-Site: none":             200,
		"Sec-Fetch-Site: cross-site":       403,
		"Sec-Fetch-Site: same-site":        403,
		"Origin: https://shop.example":     200,
		"Origin: https://shop.example:444": 403,
		"Origin: https://evil.example":     403,
		"Origin: null":                     403,
		"Sec-Fetch-Site: cross-site\r\nOrigin: https://shop.example": 403,
	} {
		if lines != "" {
			lines += "\r\n"
		}
		if a := k.send(t, "POST", "POST /http/ HTTP/1.1\r\nHost: shop.example\r\n"+lines+"Content-Length: 0\r\n\r\n"); a.StatusCode != status {
			t.Errorf("%q: got %d, want %d", lines, a.StatusCode, status)
		}
		if a := k.send(t, "GET", "GET /http/ HTTP/1.1\r\nHost: shop.example\r\n"+lines+"\r\n"); a.StatusCode != 200 {
			t.Errorf("GET %q: got %d, want 200", lines, a.StatusCode)
		}
	}
}

// TestHTTPBody: a handler may limit the body, and parse forms; no temporary file is left behind.
func TestHTTPBody(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 20<<20)
		var tooLarge *http.MaxBytesError
		if err := r.ParseMultipartForm(1); errors.As(err, &tooLarge) {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		} else if err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		file, head, err := r.FormFile("file")
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		n, err := io.Copy(io.Discard, file)
		_, _ = fmt.Fprint(w, r.FormValue("name"), " ", head.Filename, " ", n, " ", err)
	})
	for _, stream := range []bool{false, true} {
		k := bridge(t, h, fiber.Config{StreamRequestBody: stream, BodyLimit: 64 << 20})
		for size, want := range map[int]string{11 << 20: "200 x big.bin 11534336 <nil>", 21 << 20: "413 too large\n"} {
			var body bytes.Buffer
			form := multipart.NewWriter(&body)
			_ = form.WriteField("name", "x")
			part, err := form.CreateFormFile("file", "big.bin")
			if err != nil {
				t.Fatal(err)
			}
			_, _ = part.Write(make([]byte, size))
			_ = form.Close()
			a := k.send(t, "POST", fmt.Sprintf("POST /http/ HTTP/1.1\r\nHost: h\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", form.FormDataContentType(), body.Len(), &body))
			if got := fmt.Sprint(a.StatusCode, " ", a.body); got != want {
				t.Errorf("stream %t: %d bytes: got %q, want %q", stream, size, got, want)
			}
		}
		k.get("/http/") // the request before has ended
		if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
			t.Errorf("stream %t: %d files are left, %v", stream, len(files), err)
		}
	}
}
