package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/redis/go-redis/v9"

	"github.com/qsessions/qsessions/tools/bench/stores"
)

// A peer is a site of another library, with the same sessions.
type peer struct {
	client   *redis.Client
	handler  http.Handler
	requests []*http.Request // of a worker each
}

func newPeer(ctx context.Context, addr string) (*peer, error) {
	client := redis.NewClient(&redis.Options{Addr: addr, PoolSize: stores.Connections})
	m := scs.New()
	m.Store = goredisstore.New(client)
	m.Lifetime = 12 * time.Hour
	p := &peer{client: client, handler: m.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, m.GetString(r.Context(), "key5"))
	}))}
	create := m.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for i := range 10 {
			m.Put(r.Context(), fmt.Sprint("key", i), strings.Repeat("a", 98))
		}
	}))
	for range stores.Connections {
		w := httptest.NewRecorder()
		create.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
		p.requests = append(p.requests, r)
	}
	return p, p.read(0, 1)
}

func (p *peer) close() error { return p.client.Close() }

// read is a bench.Work.
func (p *peer) read(worker, n int) error {
	for range n {
		w := httptest.NewRecorder()
		p.handler.ServeHTTP(w, p.requests[worker])
		if w.Code != http.StatusOK || w.Body.Len() < 90 {
			return fmt.Errorf("scs answers %d with %d bytes", w.Code, w.Body.Len())
		}
	}
	return nil
}
