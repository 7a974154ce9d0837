package pages

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// A deaf store is a database behind a cache that cannot be told of a removal.
type deaf struct {
	*wired
	until time.Time
}

func (d deaf) LoadFresh(ctx context.Context, id store.ID) (*store.Record, error) {
	return d.Load(ctx, id)
}

func (d deaf) Delete(ctx context.Context, ids ...store.ID) error {
	if err := d.wired.Delete(ctx, ids...); err != nil {
		return err
	}
	return &store.PendingError{EffectiveBy: d.until, Err: store.ErrUnavailable}
}

// TestForeignUnheard: SEC-16. Also while a cache is out nobody is told that a session has ended which is somebody else's, or
// never was.
func TestForeignUnheard(t *testing.T) {
	f := start(t, options{store: deaf{new(wired), time.Now().Add(90 * time.Second)}})
	eve, alice, olga := f.browser(t, "eve"), f.browser(t, "alice"), f.browser(t, "olga")
	eve.signIn("eve")
	alice.signIn("alice")
	olga.signIn("olga")
	missing := store.NewID(time.Now())
	for _, accept := range []string{"text/html", "application/json"} {
		eve.header.Set("Accept", accept)
		want := eve.post(accountPath+missing.String()+"/revoke", nil)
		got := eve.post(accountPath+alice.id().String()+"/revoke", nil)
		text := "Some servers may accept what has ended until " // an earlier request may have ended it
		if accept == "application/json" {
			text = `"effective_by":`
		}
		want.want(t, http.StatusNotFound, text)
		if got.status != want.status || got.body != want.body {
			t.Errorf("%s: somebody else's: %d %s\nmissing: %d %s", accept, got.status, got.body, want.status, want.body)
		}
	}
	olga.post(adminPath+missing.String()+"/revoke", nil).want(t, http.StatusNotFound)
	a := olga.post(adminPath+"revoke", url.Values{"id": {missing.String(), alice.id().String()}, "confirm": {"1"}})
	if f := a.flash(t); a.status != http.StatusSeeOther || f.Ended != 1 || f.Until == 0 {
		t.Errorf("one of two that are selected has ended before: %d, %+v", a.status, f)
	}
}

// TestRevokeFilterChanged: a session that has left the filter since it was listed stays: an anonymous visitor who has just
// signed in is not signed out.
func TestRevokeFilterChanged(t *testing.T) {
	db := new(wired)
	f := start(t, options{store: db})
	olga := f.browser(t, "olga")
	olga.signIn("olga")
	visitor := f.insert(t, 2, func(_ int, r *store.Record) { r.User = "" })
	order := olga.post(adminPath+"revoke", url.Values{"kind": {"anonymous"}, "all": {"1"}}).forms()[0]
	db.set(func(call string) error {
		if call != "Delete" {
			return nil
		}
		db.before = nil
		r, err := db.Store.Load(context.Background(), visitor[1])
		if err != nil {
			return err
		}
		r.User, r.AuthenticatedAt = "alice", r.CreatedAt
		return db.Store.Save(context.Background(), r)
	}, nil)
	olga.get(olga.post(adminPath+"revoke", order).header.Get("Location")).want(t, http.StatusOK, "Signed out 1 session.")
	if f.has(t, visitor[0]) || !f.has(t, visitor[1]) {
		t.Errorf("the visitor's session is there: %t; that of who signed in: %t", f.has(t, visitor[0]), f.has(t, visitor[1]))
	}
}

// TestRevokePartly: what has ended before something failed is told, also of a whole user, and until when it may be accepted.
func TestRevokePartly(t *testing.T) {
	db := new(wired)
	f := start(t, options{store: db})
	olga := f.browser(t, "olga")
	olga.signIn("olga")
	f.insert(t, 10, nil)
	db.set(nil, only(store.ErrUnavailable, "DeleteUser"))
	for _, query := range []string{`{"user":"bob"}`, `{"ip":"0.0.0.0/0"}`} {
		f.insert(t, 2, func(i int, r *store.Record) { r.IP = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}) })
		deletes := 0
		db.set(nil, func(call string) error {
			if deletes++; call == "Delete" && deletes == 1 {
				return nil
			}
			return store.ErrUnavailable
		})
		a := olga.json(http.MethodPost, adminAPI+"revoke", `{"filter":`+query+`,"everyone":true}`)
		a.is(t, http.StatusServiceUnavailable, "unavailable")
		var p problemJSON
		if a.into(t, &p); p.Ended == 0 {
			t.Errorf("%s: got %s, want how many have ended", query, a.body)
		}
		db.set(nil, nil)
	}
	f.insert(t, 3, func(_ int, r *store.Record) { r.User = "carol" })
	until := time.Now().Add(2 * time.Minute)
	deletes := 0
	db.set(nil, func(string) error {
		if deletes++; deletes < 3 {
			return &store.PendingError{EffectiveBy: until, Err: store.ErrUnavailable}
		}
		return store.ErrUnavailable
	})
	form := url.Values{"user": {"carol"}, "text": {"made"}, "all": {"1"}, "confirm": {"1"}, "ended": {"40"}}
	olga.post(adminPath+"revoke", form).want(t, http.StatusServiceUnavailable, "Signed out 42 sessions.",
		"until "+until.UTC().Truncate(time.Second).Add(time.Second).Format("15:04:05 UTC"), `<a href="`+adminPath+`">`)
}

// TestShowValuesOfOneRecord: what ShowValues is asked about is what is shown, also if the session becomes another one meanwhile.
func TestShowValuesOfOneRecord(t *testing.T) {
	var f *fixture
	var visitor *browser
	f = start(t, options{admin: AdminConfig{ShowValues: func(_ *http.Request, _ session.Session, of session.Info) bool {
		visitor.signIn("alice", "cart", "a secret")
		return of.User == ""
	}}})
	olga := f.browser(t, "olga")
	olga.signIn("olga")
	visitor = f.browser(t, "visitor")
	visitor.signIn("", "cart", "pear")
	page := olga.get(adminPath + visitor.id().String())
	page.want(t, http.StatusOK, "pear")
	page.without(t, "a secret")
}
