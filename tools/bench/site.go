package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// keys are the values of a session: with the quotes of JSON each has 98 bytes.
var keys = [10]session.Key[string]{"key0", "key1", "key2", "key3", "key4", "key5", "key6", "key7", "key8", "key9"}

// values alternate, so that a save always changes something.
var values = [2]string{strings.Repeat("a", 96), strings.Repeat("b", 96)}

const (
	readKey   = "key5"
	userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

// A site is the handlers that are measured, through the middleware and bare.
type site struct {
	bare                               http.Handler
	untouched, read, modify, createAll http.Handler
}

func newSite(s store.Store) (*site, error) {
	sessions, err := session.New(s, session.Config{})
	if err != nil {
		return nil, err
	}
	mw := nethttp.New(sessions, nethttp.Config{})
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, "fine") })
	on := func(f func(http.ResponseWriter, *http.Request, session.Session)) http.Handler {
		return mw.Handler(mw.With(f))
	}
	return &site{
		bare:      bare,
		untouched: mw.Handler(bare),
		read: on(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
			answer(w, session.Key[string](readKey).Get(s))
		}),
		modify: on(func(w http.ResponseWriter, r *http.Request, s session.Session) {
			keys[5].Set(s, r.Header.Get("Value"))
			answer(w, "fine")
		}),
		createAll: on(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
			s.Login("ann")
			for _, k := range keys {
				k.Set(s, values[0])
			}
			answer(w, s.ID().String())
		}),
	}, nil
}

func answer(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text)
}

// newRequest returns a request with a token, or without one if it is "". Like those of a server it can be canceled.
func newRequest(ctx context.Context, token string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set("Value", values[1])
	if token != "" {
		r.Header.Set("Cookie", "theme=dark; __Host-session="+token)
	}
	return r
}

// login returns the token and the id of a new session with ten keys.
func (t *site) login(ctx context.Context) (token string, id store.ID, err error) {
	w := httptest.NewRecorder()
	t.createAll.ServeHTTP(w, newRequest(ctx, ""))
	for _, c := range w.Result().Cookies() {
		token = c.Value
	}
	if w.Code != http.StatusOK || token == "" {
		return "", id, fmt.Errorf("the login answers %d", w.Code)
	}
	id, err = session.ParseID(w.Body.String())
	return token, id, err
}

// serve has h answer the requests of each worker. A request that changes something has another value each time.
func serve(h http.Handler, requests []*http.Request) Work {
	return func(worker, n int) error {
		r := requests[worker]
		for i := range n {
			w := httptest.NewRecorder()
			r.Header["Value"][0] = values[i%2]
			h.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				return fmt.Errorf("the handler answers %d", w.Code)
			}
		}
		return nil
	}
}
