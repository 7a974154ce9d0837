package fibersession

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v3"
)

// A writer collects the response of a handler of net/http.
type writer struct {
	header http.Header
	before []string    // names that were in header when the handler began
	sent   http.Header // header as it was when the response began; nil: it has not
	status int
	body   bytes.Buffer
}

// framing has the header fields that fasthttp writes by itself, or that describe the body.
var framing = [...]string{
	"Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Server", "Trailer", "Transfer-Encoding",
}

func newWriter(c fiber.Ctx) *writer {
	w := &writer{header: make(http.Header)}
	for name, value := range c.Response().Header.All() {
		if name := http.CanonicalHeaderKey(string(name)); !slices.Contains(framing[:], name) {
			w.header[name] = append(w.header[name], string(value))
		}
	}
	for name := range w.header {
		w.before = append(w.before, name)
	}
	return w
}

// Header implements [http.ResponseWriter].
func (w *writer) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *writer) WriteHeader(status int) {
	if w.sent != nil || status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	w.status, w.sent = status, w.header.Clone()
}

// Write implements [http.ResponseWriter].
func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if !hasBody(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	return w.body.Write(b)
}

// WriteString implements [io.StringWriter].
func (w *writer) WriteString(s string) (int, error) {
	w.WriteHeader(http.StatusOK)
	if !hasBody(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	return w.body.WriteString(s)
}

// hasBody reports whether a response with status may have a body.
func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// oneLine is what net/http does to a value with line breaks.
var oneLine = strings.NewReplacer("\n", " ", "\r", " ")

// send makes what was collected the response of c.
func (w *writer) send(c fiber.Ctx) {
	w.WriteHeader(http.StatusOK)
	to := c.Response()
	for _, name := range w.before {
		to.Header.Del(name)
	}
	for name, values := range w.sent {
		if strings.ContainsAny(name, " :\r\n") || name == "Trailer" {
			continue // no field, or a trailer, which follows streams alone
		}
		to.Header.Del(name)
		for _, value := range values {
			to.Header.Add(name, oneLine.Replace(value))
		}
	}
	w.describe(c)
	to.SetStatusCode(w.status)
	to.SetBodyRaw(w.body.Bytes())
}

// describe sets the header fields of the body, as net/http does.
func (w *writer) describe(c fiber.Ctx) {
	to := &c.Response().Header
	if types, ok := w.sent["Content-Type"]; !ok && w.body.Len() > 0 && w.sent.Get("Content-Encoding") == "" {
		to.SetContentType(http.DetectContentType(w.body.Bytes()))
	} else if len(types) == 0 {
		to.SetNoDefaultContentType(true)
	}
	to.Del(fiber.HeaderContentLength) // fasthttp counts
	if n, err := strconv.Atoi(w.sent.Get("Content-Length")); err == nil && w.body.Len() == 0 && c.Method() == fiber.MethodHead {
		to.SetContentLength(n)
	}
}
