package sessiontest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// checkout is a handler of an application.
func checkout(w http.ResponseWriter, r *http.Request) {
	s, err := session.From(r.Context())
	if err != nil || s.User() == "" {
		http.Error(w, "sign in first", http.StatusUnauthorized)
		return
	}
	fmt.Fprintf(w, "%s buys %v", s.User(), cart.Get(s))
	cart.Delete(s)
}

// example stands for the *testing.T of a test.
type example struct{}

func (example) Context() context.Context          { return context.Background() }
func (example) Helper()                           {}
func (example) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// A test of a handler, without middleware.
func ExampleContext() {
	var t example // func TestCheckout(t *testing.T) {
	m := sessiontest.New(t, session.Config{})
	ctx := sessiontest.Context(t, m, func(s session.Session) {
		s.Login("alice")
		cart.Set(s, []string{"tea"})
	})
	w := httptest.NewRecorder()
	checkout(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/checkout", nil))
	s, _ := session.From(ctx)
	fmt.Println(w.Body, cart.Has(s))
	// Output: alice buys [tea] false
}
