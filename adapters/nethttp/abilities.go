package nethttp

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// An ability is a set of the optional methods of response writers.
type ability uint8

const (
	canFlush    ability = 1 << iota // http.Flusher, and FlushError for a ResponseController
	canHijack                       // http.Hijacker
	canPush                         // http.Pusher
	canNotify                       // http.CloseNotifier, which gin's Context.Stream needs
	canReadFrom                     // io.ReaderFrom
)

// notifying is [http.CloseNotifier].
type notifying interface{ CloseNotify() <-chan bool }

// unwrapping is how a writer shows the one that it wraps, to a [http.ResponseController] too.
type unwrapping interface{ Unwrap() http.ResponseWriter }

// abilities returns what w can do, itself or by a writer that it wraps: a ResponseController would look for the latter behind
// the middleware's writer, where nothing is committed, so that it has to find the method here. ReadFrom counts in w alone:
// a writer that changes the bytes must not be left out.
func abilities(w http.ResponseWriter) (can ability) {
	if _, ok := w.(io.ReaderFrom); ok {
		can = canReadFrom
	}
	for {
		switch w.(type) {
		case http.Flusher, interface{ FlushError() error }:
			can |= canFlush
		}
		if _, ok := w.(http.Hijacker); ok {
			can |= canHijack
		}
		if _, ok := w.(http.Pusher); ok {
			can |= canPush
		}
		if _, ok := w.(notifying); ok {
			can |= canNotify
		}
		wraps, ok := w.(unwrapping)
		if !ok {
			return can
		}
		w = wraps.Unwrap()
	}
}

// reach returns w, or the first writer below it, as a T. There is one: abilities has seen it.
func reach[T any](w http.ResponseWriter) (found T) {
	for {
		if t, ok := w.(T); ok {
			return t
		}
		w = w.(unwrapping).Unwrap()
	}
}

type (
	flusher    struct{ w *writer }
	hijacker   struct{ w *writer }
	pusher     struct{ w *writer }
	notifier   struct{ w *writer }
	readerFrom struct{ w *writer }
)

// Flush implements [http.Flusher].
func (f flusher) Flush() { _ = f.FlushError() }

// FlushError is the method that a [http.ResponseController] calls.
func (f flusher) FlushError() error {
	if err := f.w.begin(http.StatusOK); err != nil {
		return err
	}
	return http.NewResponseController(f.w.ResponseWriter).Flush()
}

// Hijack implements [http.Hijacker]. The session is committed before, but no new cookie can be sent, unless the handler
// copies the header.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := h.w.begin(http.StatusOK); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(h.w.ResponseWriter).Hijack()
}

// Push implements [http.Pusher].
func (p pusher) Push(target string, o *http.PushOptions) error {
	return reach[http.Pusher](p.w.ResponseWriter).Push(target, o)
}

// CloseNotify implements [http.CloseNotifier].
func (n notifier) CloseNotify() <-chan bool {
	return reach[notifying](n.w.ResponseWriter).CloseNotify()
}

// firstBytes is as much as net/http itself looks at before it hands a file to the kernel.
const firstBytes = 512

// ReadFrom implements [io.ReaderFrom]: it keeps sendfile possible. A source that fails before its first byte commits
// nothing: the handler may still answer with an error.
func (f readerFrom) ReadFrom(src io.Reader) (n int64, err error) {
	if !f.w.begun {
		n, err = io.Copy(writeOnly{f.w}, io.LimitReader(src, firstBytes))
		if err != nil || n < firstBytes {
			return n, err
		}
	}
	if f.w.err != nil {
		return n, f.w.err
	}
	rest, err := io.Copy(f.w.ResponseWriter, src)
	return n + rest, err
}

// writeOnly hides all methods but Write.
type writeOnly struct{ io.Writer }
