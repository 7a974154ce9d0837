package pages

import (
	"net/http"
	"strings"
	"testing"
)

const accountPath = "/account/sessions/"

// TestAccount: SEC-13. A person sees two sessions, ends the other one, and signs out.
func TestAccount(t *testing.T) {
	f := start(t, options{})
	one, two := f.browser(t, "one"), f.browser(t, "two")
	one.signIn("alice")
	two.signIn("alice")
	list := one.get(accountPath)
	ids := f.ids(t, "alice")
	if list.status != http.StatusOK || len(ids) != 2 || strings.Count(list.body, "data-session=") != 2 ||
		strings.Count(list.body, `class="badge"`) != 1 || strings.Index(list.body, ids[1].String()) > strings.Index(list.body, ids[0].String()) {
		t.Fatalf("got %d %s", list.status, list.body)
	}
	a := one.post(accountPath+ids[0].String()+"/revoke", nil)
	if a.status != http.StatusSeeOther {
		t.Fatalf("revoke: %d %s", a.status, a.body)
	}
	if got := one.get(a.header.Get("Location")); !strings.Contains(got.body, "One session has ended.") || strings.Count(got.body, "data-session=") != 1 {
		t.Errorf("after the revocation: %s", got.body)
	}
	if two.user() != "" || one.user() != "alice" {
		t.Errorf("one is %q, two is %q", one.user(), two.user())
	}
	a = one.post(accountPath+"sign-out", nil)
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/" || one.user() != "" {
		t.Errorf("sign out: %d, %v, still %q", a.status, a.header, one.user())
	}
	if got := one.get(accountPath); got.status != http.StatusUnauthorized {
		t.Errorf("signed out: %d", got.status)
	}
}
