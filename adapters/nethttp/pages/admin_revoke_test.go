package pages

import (
	"fmt"
	"html"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// TestRevokeOne ends one session of anybody; that of the operator is a sign-out; one that is not there is 404.
func TestRevokeOne(t *testing.T) {
	f := start(t, options{})
	olga, alice, second := f.browser(t, "olga"), f.browser(t, "alice"), f.browser(t, "second")
	olga.signIn("olga")
	alice.signIn("alice")
	second.signIn("alice")
	olga.get(adminPath+alice.id().String()).want(t, http.StatusOK, "alice", adminPath+alice.id().String()+"/revoke")
	path := adminPath + alice.id().String() + "/revoke"
	olga.get(olga.post(path, nil).header.Get("Location")).want(t, http.StatusOK, "Signed out 1 session.")
	if alice.user() != "" || second.user() != "alice" {
		t.Errorf("%q and %q", alice.user(), second.user())
	}
	olga.post(path, nil).want(t, http.StatusNotFound)
	olga.get(adminPath+store.NewID(time.Now()).String()).want(t, http.StatusNotFound)
	own := olga.post(adminPath+olga.id().String()+"/revoke", nil)
	own.want(t, http.StatusSeeOther)
	if olga.cookie() != "" || olga.user() != "" {
		t.Error("the operator is still signed in")
	}
	olga.get(own.header.Get("Location")).want(t, http.StatusUnauthorized)
}

// TestRevokeSelected asks first, and says how many there are; some have ended before the question and some after it; the
// operator's own may be one of them.
func TestRevokeSelected(t *testing.T) {
	f := start(t, options{})
	olga, alice, bob := f.browser(t, "olga's"), f.browser(t, "alice's"), f.browser(t, "bob's")
	olga.signIn("olga")
	alice.signIn("alice")
	bob.signIn("bob")
	ids := f.insert(t, 4, nil)
	gone := store.NewID(time.Now())
	selection := url.Values{"id": {
		alice.id().String(), gone.String(), ids[0].String(), olga.id().String(), ids[1].String(), ids[1].String(),
	}}
	question := olga.post(adminPath+"revoke", selection)
	question.want(t, http.StatusOK, "4 sessions will be signed out.", "alice&#39;s", "made up", `<span class="badge">you</span>`)
	question.without(t, gone.String(), "bob&#39;s")
	if alice.user() != "alice" || olga.user() != "olga" || len(f.ids(t, "bob")) != 5 {
		t.Fatal("the question ended sessions")
	}
	order := question.forms()[0]
	if len(order["id"]) != 4 {
		t.Fatalf("the form has %v", order)
	}
	if err := f.store.Delete(t.Context(), ids[0]); err != nil {
		t.Fatal(err)
	}
	a := olga.post(adminPath+"revoke", order)
	if n := a.flash(t).Ended; a.status != http.StatusSeeOther || n != 3 {
		t.Errorf("%d: %d have ended", a.status, n)
	}
	if alice.user() != "" || olga.user() != "" || bob.user() != "bob" || f.has(t, ids[1]) || !f.has(t, ids[2]) {
		t.Error("other sessions than the selected ones have ended")
	}
	for _, ids := range [][]string{{"x"}, {""}, slices.Repeat([]string{gone.String()}, maxPage+1), {gone.String(), "' OR 1=1"}} {
		bob.signIn("olga")
		bob.post(adminPath+"revoke", url.Values{"id": ids, "confirm": {"1"}}).want(t, http.StatusBadRequest)
	}
	bob.post(adminPath+"revoke", nil).want(t, http.StatusBadRequest, "Nothing is selected")
	bob.post(adminPath+"revoke", url.Values{"id": {gone.String()}}).want(t, http.StatusNotFound)
	bob.post(adminPath+"revoke", url.Values{"id": {strings.Repeat("x", maxBody)}}).want(t, http.StatusRequestEntityTooLarge)
}

// TestRevokeFilter: SEC-14. What the question counted is ended, strictly: nobody of them is accepted afterwards. What
// began after the question stays, and so do the operator's own session and what is not of the filter.
func TestRevokeFilter(t *testing.T) {
	for _, filter := range []url.Values{
		{"ip": {"192.0.2.0/24"}}, {"ip": {"192.0.2.0/24"}, "kind": {"users"}, "state": {"active"}}, {"text": {"victim"}},
		{"text": {"victim"}, "state": {"active"}},
	} {
		f := start(t, options{})
		var agent string
		f.client = func() session.Client { return session.Client{IP: netip.MustParseAddr("192.0.2.7"), UserAgent: agent} }
		victims := make([]*browser, 12)
		agent = "a victim"
		for i := range victims {
			victims[i] = f.browser(t, "")
			victims[i].signIn(fmt.Sprintf("user%d", i%5))
		}
		olga := f.browser(t, "")
		olga.signIn("olga")
		other := f.insert(t, 1, nil)[0]
		nextMillisecond()
		list := olga.get(adminPath + "?" + filter.Encode())
		question := olga.post(adminPath+"revoke", list.forms()[2])
		question.want(t, http.StatusOK, "12 sessions will be signed out.")
		if victims[0].user() != "user0" {
			t.Fatal("the question ended a session")
		}
		nextMillisecond()
		late := f.browser(t, "")
		late.signIn("late")
		olga.get(olga.post(adminPath+"revoke", question.forms()[0]).header.Get("Location")).want(t, http.StatusOK, "Signed out 12 sessions.")
		for i, v := range victims {
			if v.user() != "" {
				t.Errorf("%v: session %d is still accepted", filter, i)
			}
		}
		if late.user() != "late" || olga.user() != "olga" || !f.has(t, other) {
			t.Errorf("%v: late %q, olga %q, another one %v", filter, late.user(), olga.user(), f.has(t, other))
		}
	}
}

// TestRevokeKeepsFilter: whoever filters and revokes a selection, or does not after all, is back in the filtered list.
func TestRevokeKeepsFilter(t *testing.T) {
	f := start(t, options{})
	olga := f.browser(t, "")
	olga.signIn("olga")
	ids := f.insert(t, 2, func(_ int, r *store.Record) { r.User = "a&b" })
	filtered := adminPath + "?kind=users&user=a%26b"
	selection := olga.get(filtered).forms()[1]
	selection["id"] = []string{ids[0].String()}
	question := olga.post(adminPath+"revoke", selection)
	question.want(t, http.StatusOK, `<a href="`+html.EscapeString(filtered)+`">`)
	to := olga.post(adminPath+"revoke", question.forms()[0]).header.Get("Location")
	if want := adminPath + "?kind=users&user=a%26b"; to != want {
		t.Errorf("to %s, want %s", to, want)
	}
	olga.get(to).want(t, http.StatusOK, "Signed out 1 session.", ids[1].String())
}

// TestRevokeMany: SEC-14, BAD-51. More than one request can do: the count ends at 10,000, the progress goes up, a request
// takes little more than two seconds, an outage in between loses nothing, and at the end nobody is left.
func TestRevokeMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &wired{}
		f := start(t, options{store: db, bubble: true})
		olga := f.browser(t, "olga")
		olga.signIn("olga")
		const many = 10_300
		f.insert(t, many, func(i int, r *store.Record) { r.User, r.UserAgent = fmt.Sprint("user", i%50), "the victim" })
		kept := f.insert(t, 1, func(_ int, r *store.Record) { r.IP = netip.MustParseAddr("192.0.2.1") })[0]
		victims := "text=victim"
		a := olga.post(adminPath+"revoke", url.Values{"text": {"victim"}, "all": {"1"}})
		a.want(t, http.StatusOK, "More than ")
		a = olga.post(adminPath+"revoke", url.Values{"state": {"active"}, "all": {"1"}})
		a.want(t, http.StatusOK, "More than 10,000 sessions will be signed out.", "everyone’s sessions")
		order := a.forms()[0]
		if order.Get("everyone") != "" {
			t.Fatal("the box is checked already")
		}
		order.Set("ip", "0.0.0.0/0") // still nobody is left out
		olga.post(adminPath+"revoke", order).want(t, http.StatusBadRequest, "Not confirmed")
		a = olga.post(adminPath+"revoke", url.Values{"text": {"victim"}, "all": {"1"}})
		order = a.forms()[0]
		db.set(func(call string) error {
			if call == "Delete" {
				time.Sleep(time.Millisecond)
			}
			return nil
		}, nil)
		requests, ended := 0, 0
		for {
			began := time.Now()
			a = olga.post(adminPath+"revoke", order)
			if took := time.Since(began); took > revokeTime+time.Second {
				t.Errorf("a request took %v", took)
			}
			if requests++; requests > 20 {
				t.Fatal("no end")
			}
			if a.status == http.StatusSeeOther {
				break
			}
			if a.want(t, http.StatusOK, "Signing out sessions", "data-continue", "<progress max="); t.Failed() {
				return
			}
			next := a.forms()[0]
			now := must(fmt.Sscan(next.Get("ended"), &ended))
			if now != 1 || ended < requests*1500 || next.Get("text") != "victim" || next.Get("confirm") != "1" {
				t.Fatalf("request %d: the form is %v", requests, next)
			}
			left := count(t, f, session.Query{Kind: session.Users})
			if left != many+2-ended {
				t.Errorf("%d are said to have ended, and %d are left", ended, left)
			}
			if requests == 2 { // an outage; then the same button is pressed again
				db.set(only(errOut, "Delete"), nil)
				olga.post(adminPath+"revoke", next).want(t, http.StatusServiceUnavailable)
				db.set(func(call string) error {
					if call == "Delete" {
						time.Sleep(time.Millisecond)
					}
					return nil
				}, nil)
			}
			order = next
		}
		if requests < 3 {
			t.Errorf("%d requests show nothing", requests)
		}
		olga.get(a.header.Get("Location")).want(t, http.StatusOK, "Signed out 10,300 sessions.")
		olga.get(adminPath+"?"+victims).want(t, http.StatusOK, "No active sessions")
		if left := count(t, f, session.Query{}); left != 2 || !f.has(t, kept) || olga.user() != "olga" {
			t.Errorf("%d sessions are left", left)
		}
	})
}

// nextMillisecond returns in another millisecond: ids sort by those.
func nextMillisecond() {
	for now := time.Now().UnixMilli(); now == time.Now().UnixMilli(); {
		runtime.Gosched()
	}
}

func count(t testing.TB, f *fixture, q session.Query) int {
	t.Helper()
	all, err := session.Collect(f.sessions.Scan(t.Context(), q))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// TestRevokeManyPending wants the last notice to say until when what an early request ended may still be accepted.
func TestRevokeManyPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &wired{}
		f := start(t, options{store: db, bubble: true})
		olga := f.browser(t, "olga")
		olga.signIn("olga")
		f.insert(t, 30, func(_ int, r *store.Record) { r.IP = netip.MustParseAddr("192.0.2.1") })
		until := time.Now().Add(3 * time.Minute)
		deletes := 0
		db.set(only(nil), func(string) error {
			time.Sleep(100 * time.Millisecond)
			if deletes++; deletes == 1 {
				return &store.PendingError{EffectiveBy: until, Err: store.ErrUnavailable}
			}
			return nil
		})
		order := olga.post(adminPath+"revoke", url.Values{"ip": {"192.0.2.0/24"}, "all": {"1"}}).forms()[0]
		a := olga.post(adminPath+"revoke", order)
		if a.status != http.StatusOK {
			t.Fatal("one request was enough: the test shows nothing")
		}
		for a.status == http.StatusOK {
			a = olga.post(adminPath+"revoke", a.forms()[0])
		}
		text := until.UTC().Format("15:04:05 UTC")
		if until.Nanosecond() > 0 {
			text = until.UTC().Add(time.Second).Format("15:04:05 UTC")
		}
		olga.get(a.header.Get("Location")).want(t, http.StatusOK, "Signed out 30 sessions.", "until "+text)
	})
}
