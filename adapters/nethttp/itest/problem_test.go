package itest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

func problem(w http.ResponseWriter, r *http.Request, err error) {
	status := nethttp.Status(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"status": status, "title": http.StatusText(status)}) // and nothing of err
}

// TestProblem: RPT-45. The error handler of docs/frameworks.md.
func TestProblem(t *testing.T) {
	t.Parallel()
	m, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	site := nethttp.New(m, nethttp.Config{Error: problem})
	w := httptest.NewRecorder()
	site.Handler(site.Require(http.NotFoundHandler())).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := strings.TrimSpace(w.Body.String()); w.Code != 401 || got != `{"status":401,"title":"Unauthorized"}` || w.Header().Get("Vary") != "Cookie" {
		t.Errorf("got %d %s, %v", w.Code, got, w.Header())
	}
}
