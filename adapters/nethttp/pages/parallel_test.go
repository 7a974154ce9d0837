package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// TestParallel asks and revokes with everybody at once. The bubble finds what is left behind: a goroutine fails the test.
func TestParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, options{bubble: true})
		const users = 12
		operators := make([]*browser, 3)
		for i := range operators {
			operators[i] = f.browser(t, fmt.Sprint("operator", i))
			operators[i].signIn("olga")
		}
		people := make([]*browser, 2*users)
		for i := range people {
			people[i] = f.browser(t, "browser")
			people[i].signIn(fmt.Sprint("user", i%users))
		}
		f.insert(t, 300, nil)
		begin := make(chan struct{})
		var all sync.WaitGroup
		for i, b := range people {
			id := people[(i+users)%len(people)].id().String()
			all.Go(func() {
				<-begin
				for range 3 {
					if a := b.get(accountPath); a.status != http.StatusOK && a.status != http.StatusUnauthorized {
						t.Errorf("list: %d", a.status)
					}
					if a := b.get(accountPath + id); a.status != http.StatusOK && a.status != http.StatusNotFound && a.status != http.StatusUnauthorized {
						t.Errorf("one: %d", a.status)
					}
				}
				if i < users {
					return
				}
				path := []string{"revoke-others", id + "/revoke", "sign-out"}[i%3]
				if a := b.post(accountPath+path, nil); a.status != http.StatusSeeOther && a.status != http.StatusNotFound && a.status != http.StatusUnauthorized {
					t.Errorf("%s: %d", path, a.status)
				}
			})
		}
		ended := make([]int, len(operators))
		for i, b := range operators {
			all.Go(func() {
				<-begin
				for _, path := range []string{"", "charts", "?text=made", "?user=bob&limit=200"} {
					b.get(adminPath+path).want(t, http.StatusOK)
				}
				a := b.post(adminPath+"revoke", url.Values{"text": {"made up"}, "all": {"1"}, "confirm": {"1"}})
				a.want(t, http.StatusSeeOther)
				ended[i] = a.flash(t).Ended
			})
		}
		close(begin)
		all.Wait()
		if left := f.ids(t, "bob"); len(left) != 0 {
			t.Errorf("%d of bob's are left", len(left))
		}
		if slices.Max(ended) > 300 || ended[0]+ended[1]+ended[2] < 300 {
			t.Errorf("%v have ended", ended)
		}
		for _, b := range operators {
			if b.user() != "olga" {
				t.Error("an operator is signed out")
			}
		}
	})
}
