package races

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/qsessions/qsessions/core/session"
)

// An answer is a response.
type answer struct {
	status int
	body   string
	token  string // that the response hands out
}

// get requests path of a process, as the client that has token. Their number goes round.
func (t *site) get(ctx context.Context, process int, path, token string) (answer, error) {
	server := t.processes[process%len(t.processes)].server
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
	if err != nil {
		return answer{}, err
	}
	if token != "" {
		r.Header.Set("Cookie", "__Host-session="+token)
	}
	w, err := server.Client().Do(r)
	if err != nil {
		return answer{}, err
	}
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body) // to its end: the connection is kept alive
	a := answer{status: w.StatusCode, body: string(body)}
	for _, c := range w.Cookies() {
		a.token = c.Value
	}
	return a, err
}

// login returns the token and the id of a new session.
func (t *site) login(ctx context.Context) (token string, id session.ID, err error) {
	a, err := t.get(ctx, 0, "/login", "")
	if err != nil {
		return "", id, err
	}
	if a.status != http.StatusOK || a.token == "" {
		return "", id, fmt.Errorf("/login answers %d", a.status)
	}
	id, err = session.ParseID(strings.TrimSpace(a.body))
	return a.token, id, err
}

func send(ctx context.Context, c chan<- struct{}) error {
	select {
	case c <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func receive(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A barrier lets two through when both are there.
type barrier struct{ meet chan struct{} }

func newBarrier() barrier { return barrier{make(chan struct{})} }

// wait returns when somebody else waits too.
func (b barrier) wait(ctx context.Context) error {
	select {
	case b.meet <- struct{}{}:
		return nil
	case <-b.meet:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
