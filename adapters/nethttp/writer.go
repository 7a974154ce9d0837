package nethttp

import (
	"io"
	"maps"
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
	empty bool          // and has written nothing, so that middleware outside may still answer
	err   error         // the commit failed: the error page was sent, and the handler's response is not
}

// wrap returns a writer for the response of r, and the same for handlers.
func wrap(mw *Middleware, w http.ResponseWriter, r *http.Request) (*writer, http.ResponseWriter) {
	return combine(abilities(w), writer{ResponseWriter: w, mw: mw, r: r})
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
		w.mw.Error(w.ResponseWriter, w.r, err)
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
		w.empty = true
		if past, ok := w.ResponseWriter.(interface{ Written() bool }); ok && past.Written() {
			w.mw.warn(w.r, &w.mw.past, "the response was written past the middleware, so that a new cookie does not reach the client: "+
				"gin hands its own writer to handlers; wrap the router from outside, site.Handler(router)")
		}
		_ = w.begin(http.StatusOK) // the error has been answered
	} else if w.late {
		_, _ = w.mw.sessions.Finish(w.r.Context()) // too late for an answer; the Manager logs what is lost
	}
	if w.err != nil { // HTTP/2 would send them behind the error page
		maps.DeleteFunc(w.Header(), func(name string, _ []string) bool { return strings.HasPrefix(name, http.TrailerPrefix) })
	}
}

// close ends the session of the request, also after a panic: the handler that recovers then sends the stored cookie. outer is
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
		if w.empty && status >= http.StatusInternalServerError {
			w.mw.warn(w.r, &w.mw.inside, "a response of 500 or more was written after the middleware had returned and committed: "+
				"wrap the router from outside, site.Handler(router)")
		}
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

// Unwrap gives a [http.ResponseController] the methods that need no commit.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
