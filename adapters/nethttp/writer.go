package nethttp

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
)

// A writer commits the session before the first byte of the response.
type writer struct {
	http.ResponseWriter
	mw    *Middleware
	r     *http.Request // with the session in its context
	begun bool          // the header has been decided on
	late  bool          // what is changed now can still be saved
	ended bool          // the handler has returned
	err   error         // the commit failed: the error page was sent, and the handler's response is not
}

// A writer1 has what the writers of HTTP/1 have beside.
type writer1 struct{ writer }

// A writer2 has what the writers of HTTP/2 have beside.
type writer2 struct{ writer }

// wrap returns a writer for the response of r, and the same for handlers. It goes by the protocol and not by what w
// implements: a ResponseController must find Hijack here, not behind an Unwrap of w, where nothing commits.
func wrap(mw *Middleware, w http.ResponseWriter, r *http.Request) (*writer, http.ResponseWriter) {
	if r.ProtoMajor >= 2 {
		sw := &writer2{writer{ResponseWriter: w, mw: mw, r: r}}
		return &sw.writer, sw
	}
	sw := &writer1{writer{ResponseWriter: w, mw: mw, r: r}}
	return &sw.writer, sw
}

// ofBody has the header fields that describe a response which is not sent after all.
var ofBody = [...]string{
	"Accept-Ranges", "Cache-Control", "Clear-Site-Data", "Content-Disposition", "Content-Encoding", "Content-Language",
	"Content-Length", "Content-Location", "Content-Range", "Content-Type", "Etag", "Expires", "Last-Modified", "Location",
	"Refresh", "Trailer",
}

// begin commits the session, once, for a response with the given status. After an error there is nothing left to send.
func (w *writer) begin(status int) error {
	if w.begun {
		return w.err
	}
	w.begun = true
	h, ctx := w.Header(), w.r.Context()
	if status >= http.StatusInternalServerError {
		w.mw.sessions.Close(ctx).Apply(h)
		return nil
	}
	commit := w.mw.sessions.Commit
	if w.ended {
		commit = w.mw.sessions.Finish
	}
	effect, err := commit(ctx)
	if err != nil {
		for _, name := range ofBody {
			h.Del(name)
		}
		effect.Apply(h)
		w.err = err
		w.mw.config.Error(w.ResponseWriter, w.r, err)
		return err
	}
	effect.Apply(h)
	w.late = true
	return nil
}

// finish commits when the handler has returned.
func (w *writer) finish() {
	w.ended = true
	if !w.begun {
		_ = w.begin(http.StatusOK) // the error has been answered
	} else if w.late {
		_, _ = w.mw.sessions.Finish(w.r.Context()) // too late for an answer; the Manager logs what is lost
	}
	if w.err != nil { // HTTP/2 would send them behind the error page
		maps.DeleteFunc(w.Header(), func(name string, _ []string) bool { return strings.HasPrefix(name, http.TrailerPrefix) })
	}
}

// close ends the session of the request, also after a panic: then whoever recovers sends what was stored before. outer is
// the request without the session: the server removes the temporary files of its MultipartForm, and loggers read its
// Pattern.
func (w *writer) close(outer *http.Request) {
	outer.MultipartForm, outer.Pattern = w.r.MultipartForm, w.r.Pattern
	if e := w.mw.sessions.Close(w.r.Context()); !w.begun {
		e.Apply(w.Header())
	}
}

// WriteHeader implements [http.ResponseWriter].
func (w *writer) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols || w.begin(status) == nil {
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements [io.Writer].
func (w *writer) Write(b []byte) (int, error) {
	if err := w.begin(http.StatusOK); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

// WriteString implements [io.StringWriter].
func (w *writer) WriteString(s string) (int, error) {
	if err := w.begin(http.StatusOK); err != nil {
		return 0, err
	}
	return io.WriteString(w.ResponseWriter, s)
}

// Flush implements [http.Flusher].
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError is what a [http.ResponseController] calls.
func (w *writer) FlushError() error {
	if err := w.begin(http.StatusOK); err != nil {
		return err
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap gives a [http.ResponseController] the methods that need no commit.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack implements [http.Hijacker]. The session is committed before, but no new cookie can be sent, unless the handler
// copies the header.
func (w *writer1) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := w.begin(http.StatusOK); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// firstBytes is as much as net/http itself looks at before it hands a file to the kernel.
const firstBytes = 512

// ReadFrom implements [io.ReaderFrom]: it keeps sendfile possible. A source that fails before its first byte commits
// nothing: the handler may still answer with an error.
func (w *writer1) ReadFrom(src io.Reader) (n int64, err error) {
	if !w.begun {
		n, err = io.Copy(writeOnly{&w.writer}, io.LimitReader(src, firstBytes))
		if err != nil || n < firstBytes {
			return n, err
		}
	}
	if w.err != nil {
		return n, w.err
	}
	rest, err := io.Copy(w.ResponseWriter, src)
	return n + rest, err
}

// writeOnly hides all methods but Write.
type writeOnly struct{ io.Writer }

// Push implements [http.Pusher].
func (w *writer2) Push(target string, o *http.PushOptions) error {
	if p, ok := w.ResponseWriter.(http.Pusher); ok {
		return p.Push(target, o)
	}
	return http.ErrNotSupported
}
