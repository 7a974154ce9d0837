package pages

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// TestAPIRevokeMany: a dry run counts and ends nothing, later sessions are left, and after a failure in the middle the
// problem says what was done; the same request again does the rest.
func TestAPIRevokeMany(t *testing.T) {
	w := new(wired)
	f := start(t, options{store: w})
	b := f.browser(t, "script")
	b.signIn("olga")
	ids := f.insert(t, 6, func(i int, r *store.Record) { r.UserAgent = "old app" })
	var count countJSON
	b.json(http.MethodPost, adminAPI+"revoke", `{"filter":{"text":"OLD"},"dry_run":true}`).into(t, &count)
	if count.Count != len(ids) || count.More || len(f.ids(t, "bob")) != len(ids) {
		t.Fatalf("dry run: %v, %d are left", count, len(f.ids(t, "bob")))
	}
	nextMillisecond()
	f.browser(t, "old app").signIn("bob")
	order := `{"filter":{"text":"old"},"after":"` + count.After + `"}`
	n := 0
	w.set(func(call string) error {
		if call == "Delete" {
			if n++; n == 3 {
				return store.ErrUnavailable
			}
		}
		return nil
	}, func(string) error {
		return &store.PendingError{EffectiveBy: time.Now().Add(time.Minute), Err: errOut}
	})
	a := b.json(http.MethodPost, adminAPI+"revoke", order)
	a.is(t, http.StatusServiceUnavailable, "unavailable")
	var p problemJSON
	a.into(t, &p)
	if p.Ended != 2 || p.EffectiveBy == nil || a.header.Get("Retry-After") == "" {
		t.Errorf("half done: %s", a.body)
	}
	a = b.json(http.MethodPost, adminAPI+"revoke", order)
	var o outcomeJSON
	a.into(t, &o)
	if a.status != http.StatusAccepted || o.Ended != 4 || o.EffectiveBy == nil || o.Next != "" {
		t.Errorf("again: %d %s", a.status, a.body)
	}
	if got := f.ids(t, "bob"); len(got) != 1 {
		t.Errorf("%d are left, want the latest alone", len(got))
	}
}

// TestAPICommit: an error of saving the new token is a problem like others, and says what was done before.
func TestAPICommit(t *testing.T) {
	for path, body := range map[string]string{accountAPI + "revoke-others": "", adminAPI + "revoke": `{"filter":{"own":true}}`} {
		w := new(wired)
		f := start(t, options{store: w})
		b, other := f.browser(t, "one"), f.browser(t, "two")
		b.signIn("olga")
		other.signIn("olga")
		w.set(only(store.ErrUnavailable, "Save"), nil)
		a := b.json(http.MethodPost, path, body)
		a.is(t, http.StatusServiceUnavailable, "unavailable")
		var p problemJSON
		if a.into(t, &p); p.Ended != 1 {
			t.Errorf("%s: %s", path, a.body)
		}
		w.set(nil, nil)
		if b.user() != "olga" || other.user() != "" {
			t.Errorf("%s: then one is %q, two is %q", path, b.user(), other.user())
		}
	}
}

// TestAPIHeader: SEC-23. An app whose token is in a header revokes the others, goes on with its new token, and signs out.
func TestAPIHeader(t *testing.T) {
	m, err := session.New(new(wired), session.Config{Header: "Authorization"})
	if err != nil {
		t.Fatal(err)
	}
	account, err := NewAccount(m, AccountConfig{})
	if err != nil {
		t.Fatal(err)
	}
	site := nethttp.New(m, nethttp.Config{})
	mux := http.NewServeMux()
	mux.Handle("/account/sessions/", account)
	mux.Handle("POST /sign-in", site.With(func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Login("alice") }))
	h := site.Handler(mux)
	do := func(method, path, token string) *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), method, path, nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		h.ServeHTTP(w, r)
		if strings.Contains(w.Body.String(), token) && token != "" {
			t.Errorf("%s %s: the body has the token: %s", method, path, w.Body)
		}
		return w
	}
	other, first := do("POST", "/sign-in", "").Header().Get("Authorization"), do("POST", "/sign-in", "").Header().Get("Authorization")
	w := do("POST", accountAPI+"revoke-others", first)
	second := w.Header().Get("Authorization")
	if w.Code != http.StatusOK || w.Body.String() != `{"ended":1}`+"\n" || second == "" || second == first {
		t.Fatalf("revoke-others: %d %s, the same token: %v", w.Code, w.Body, first == second)
	}
	for token, want := range map[string]int{other: 401, first: 409, second: 200} {
		if got := do("GET", accountAPI, token).Code; got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	w = do("POST", accountAPI+"sign-out", second)
	if given := w.Header().Values("Authorization"); w.Code != http.StatusOK || len(given) != 1 || given[0] != "" {
		t.Errorf("sign-out: %d, header %q", w.Code, given)
	}
	if w = do("POST", accountAPI+"sign-out", second); w.Code != http.StatusUnauthorized {
		t.Errorf("signed out twice: %d", w.Code)
	}
}
