package pages

import (
	"net/http"
	"strings"
	"testing"
)

const (
	accountPath = "/account/sessions/"
	adminPath   = "/admin/sessions/"
)

// TestAccount: SEC-13. A person sees two sessions, ends the other one, and signs out.
func TestAccount(t *testing.T) {
	f := start(t, options{})
	one, two := f.browser(t, "one"), f.browser(t, "two")
	one.signIn("alice")
	two.signIn("alice")
	list := one.get(accountPath)
	parts := strings.Split(list.body, `data-session="`)
	if list.status != http.StatusOK || len(parts) != 3 || !strings.Contains(parts[1], `class="badge"`) || strings.Contains(parts[2], `class="badge"`) {
		t.Fatalf("got %d %s", list.status, list.body)
	}
	other, _, _ := strings.Cut(parts[2], `"`)
	a := one.post(accountPath+other+"/revoke", nil)
	if a.status != http.StatusSeeOther {
		t.Fatalf("revoke: %d %s", a.status, a.body)
	}
	if got := one.get(a.header.Get("Location")); !strings.Contains(got.body, "Signed out 1 session.") || strings.Count(got.body, "data-session=") != 1 {
		t.Errorf("after the revocation: %s", got.body)
	}
	if two.user() != "" || one.user() != "alice" {
		t.Errorf("one is %q, two is %q", one.user(), two.user())
	}
	a = one.post(accountPath+"sign-out", nil)
	if a.status != http.StatusSeeOther || one.user() != "" {
		t.Errorf("sign out: %d, %v, still %q", a.status, a.header, one.user())
	}
	one.get(a.header.Get("Location")).want(t, http.StatusOK, "You have signed out")
	if got := one.get(accountPath); got.status != http.StatusUnauthorized {
		t.Errorf("signed out: %d", got.status)
	}
}
