package pages

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

var tags = regexp.MustCompile(`(?s)<head>.*</head>|<[^>]*>|\s+`)

// text is the page without its tags, for messages.
func (a answer) text() string { return tags.ReplaceAllString(a.body, " ") }

var listed = regexp.MustCompile(`data-session="([^"]*)"`)

// rows returns the sessions of a list, in its order.
func (a answer) rows(t testing.TB) (ids []session.ID) {
	t.Helper()
	for _, m := range listed.FindAllStringSubmatch(a.body, -1) {
		id, err := session.ParseID(m[1])
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// want fails the test unless the answer has the status and all of the texts.
func (a answer) want(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Fatalf("got status %d, want %d: %s", a.status, status, a.text())
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("the page lacks %q: %s", text, a.text())
		}
	}
}

// without fails the test if the answer has one of the texts.
func (a answer) without(t testing.TB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			t.Errorf("the page has %q: %s", text, a.text())
		}
	}
}

// TestAccountOrder wants the current session first, and then the latest activity, whatever the order of ids.
func TestAccountOrder(t *testing.T) {
	f := start(t, options{})
	b := f.browser(t, "reader")
	b.signIn("bob")
	current := b.id()
	f.change(t, current, func(r *store.Record) { r.LastSeen = r.LastSeen.Add(-25 * time.Minute) })
	seen := []int{7, 3, 20, 1, 12} // minutes ago, by id
	ids := f.insert(t, len(seen), func(i int, r *store.Record) {
		r.LastSeen = r.LastSeen.Add(-time.Duration(seen[i]) * time.Minute)
	})
	f.insert(t, 1, func(_ int, r *store.Record) { r.User = "carol" })
	f.insert(t, 1, func(_ int, r *store.Record) {
		r.ExpiresAt = time.Now().Add(-time.Second).UTC().Truncate(time.Microsecond)
	})
	a := b.get(accountPath)
	a.want(t, http.StatusOK, "Sign 5 other devices out", "7 minutes ago")
	if got, want := a.rows(t), []session.ID{current, ids[3], ids[1], ids[0], ids[4], ids[2]}; !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if strings.Count(a.body, `<li class="card current"`) != 1 || strings.Count(a.body, "This session</span>") != 1 {
		t.Errorf("not one is the current one: %s", a.text())
	}
	if strings.Count(a.body, `/revoke"`) != len(ids) { // and none at the current one
		t.Errorf("a button is missing, or there is one too many: %s", a.text())
	}
}

// TestAccountPages walks through all pages of a user with many sessions.
func TestAccountPages(t *testing.T) {
	f := start(t, options{})
	b := f.browser(t, "reader")
	b.signIn("bob")
	all := append(f.ids(t, "bob"), f.insert(t, 120, nil)...)
	var got []session.ID
	for page := 1; page <= 3; page++ {
		a := b.get(fmt.Sprintf("%s?page=%d", accountPath, page))
		a.want(t, http.StatusOK, fmt.Sprintf("Page %d of 3", page), "Sign 120 other devices out")
		if next, prev := strings.Contains(a.body, `rel="next"`), strings.Contains(a.body, `rel="prev"`); next != (page < 3) || prev != (page > 1) {
			t.Errorf("page %d: next %v, previous %v", page, next, prev)
		}
		got = append(got, a.rows(t)...)
	}
	if !slices.Equal(got, all) {
		t.Errorf("%d sessions in all pages, want %d", len(got), len(all))
	}
	if a := b.get(accountPath + "?page=99"); !slices.Equal(a.rows(t), all[100:]) {
		t.Errorf("a page beyond the end has %d sessions", len(a.rows(t)))
	}
	for _, page := range []string{"0", "-1", "x", "99999999999999999999", "1.5", "%00", "1%20OR%201=1"} {
		if a := b.get(accountPath + "?page=" + page); a.status != http.StatusBadRequest {
			t.Errorf("page=%s: %d", page, a.status)
		}
	}
}

// TestAccountBound: BAD-51. Of very many sessions of one user the page reads a thousand, shows the current one among
// them, and ends all the others.
func TestAccountBound(t *testing.T) {
	db := &wired{}
	f := start(t, options{store: db})
	b := f.browser(t, "reader")
	b.signIn("bob")
	current := b.id()
	f.insert(t, 3000, func(i int, r *store.Record) { // all of them later than the current one
		r.ID = store.NewID(time.Now().Add(time.Duration(i) * time.Second))
	})
	db.taken()
	a := b.get(accountPath)
	read := 0
	for _, call := range db.taken() {
		if call == "row" {
			read++
		}
	}
	a.want(t, http.StatusOK, "There are more sessions than this page shows.", "Sign all other devices out")
	if read > maxOwn+1 {
		t.Errorf("%d rows were read", read)
	}
	if got := a.rows(t); len(got) != defaultPage || got[0] != current {
		t.Errorf("%d rows, the first one is not the current session", len(got))
	}
	if len(a.body) > 200<<10 {
		t.Errorf("the page has %d bytes", len(a.body))
	}
	b.get(b.post(accountPath+"revoke-others", nil).header.Get("Location")).want(t, http.StatusOK, "Signed out 3,000 other sessions.")
	if ids := f.ids(t, "bob"); !slices.Equal(ids, []session.ID{current}) {
		t.Errorf("%d sessions are left", len(ids))
	}
}

// TestAccountExactly wants no hint at more sessions where there are none.
func TestAccountExactly(t *testing.T) {
	f := start(t, options{})
	b := f.browser(t, "reader")
	b.signIn("bob")
	f.insert(t, maxOwn-1, nil)
	b.get(accountPath).without(t, "There are more sessions")
	f.insert(t, 1, nil)
	b.get(accountPath).want(t, http.StatusOK, "There are more sessions")
}

// TestAccountOne wants all of a session on its page, also what lists do not have.
func TestAccountOne(t *testing.T) {
	f := start(t, options{})
	b, other := f.browser(t, "reader"), f.browser(t, "Second <b>device</b>")
	b.signIn("bob")
	other.signIn("bob")
	id := other.id()
	a := b.get(accountPath + id.String())
	a.want(t, http.StatusOK, id.String(), "Second &lt;b&gt;device&lt;/b&gt;", "Signs out by", accountPath+id.String()+"/revoke")
	a.without(t, "Level of sign-in", "Stored values")
	own := b.get(accountPath + b.id().String())
	own.want(t, http.StatusOK, "this device")
	own.without(t, "/revoke\"")
	if head := b.do(http.MethodHead, accountPath+id.String(), nil); head.status != http.StatusOK || head.body != "" {
		t.Errorf("HEAD: %d with %d bytes", head.status, len(head.body))
	}
}
