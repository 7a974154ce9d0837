package storetest

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

// keeps creates r and saves it again, and ends the case unless the store keeps it exactly.
func (e *env) keeps(what string, r *store.Record) {
	if err := e.s.Create(e.ctx, r); err != nil {
		e.Fatalf("Create with %s: %v", what, err)
	}
	if d := diff(e.get(r.ID), r); d != "" {
		e.Fatalf("created with %s: %s", what, d)
	}
	if err := e.s.Save(e.ctx, r); err != nil {
		e.Fatalf("Save with %s: %v", what, err)
	}
	if d := diff(e.get(r.ID), r); d != "" {
		e.Fatalf("saved with %s: %s", what, d)
	}
}

// userNames are names that some comparison takes for each other: case, spaces, accents, composition, patterns, numbers.
func userNames() []string {
	long := strings.Repeat("x", store.MaxUser-1)
	return []string{
		"ann", "Ann", "ANN", "ann ", " ann", "ann\t", "änn", "a\u0308nn", "ånn", "strasse", "straße", "İ", "i", "ı", "ſ", "s", "K", "k",
		"a%", "a_n", "%", "_", "*", "a*", `a\n`, `a'n`, `a"n`, "'; DROP TABLE users; --", "a`n", "$1", "?", ":a", "1", "01", "1.0", "+1", "1e0", " 1", "1 ",
		"null", "NULL", "true", "\U0001F600", "\U0001F601", "日本", "\u200b", long + "a", long + "b", strings.Repeat("é", store.MaxUser/2),
	}
}

func valueCases() []Case {
	return []Case{
		{Name: "values/times", Why: "Times are UTC in whole microseconds.", run: func(e *env) {
			whole := e.now.Truncate(time.Second)
			for _, d := range []time.Duration{0, 1, 999, 1000, 123456, 500000, 999499, 999500, 999999} {
				r := e.bound(e.user("ann"), whole.Add(d*time.Microsecond))
				r.CreatedAt, r.LastSeen = whole.Add((d+1)*time.Microsecond), whole.Add((d+2)*time.Microsecond)
				r.ExpiresAt = whole.Add(time.Hour + (d+3)*time.Microsecond)
				e.keeps(fmt.Sprintf("%d microseconds", d), r)
				t := store.Touch{LastSeen: r.LastSeen.Add(time.Microsecond), ExpiresAt: r.ExpiresAt.Add(time.Microsecond), IP: r.IP, UserAgent: r.UserAgent}
				e.ok("Touch", e.s.Touch(e.ctx, r, t))
				e.stored(r)
			}
		}},
		{Name: "values/times-utc", Why: "Times are UTC: what a store returns has that location.", run: func(e *env) {
			r := e.bound(e.user("ann"), e.now)
			got := e.get(e.create(r).ID)
			times := []time.Time{got.AuthenticatedAt, got.CreatedAt, got.LastSeen, got.ExpiresAt}
			if e.x != nil {
				for _, r := range e.list(store.Query{}) {
					times = append(times, r.AuthenticatedAt, r.CreatedAt, r.LastSeen, r.ExpiresAt)
				}
				_, err := e.x.DeleteUser(e.ctx, r.User, e.now)
				e.ok("DeleteUser", err)
				t, err := e.x.Cutoff(e.ctx, r.User)
				e.ok("Cutoff", err)
				times = append(times, t)
			}
			for _, t := range times {
				if t.Location() != time.UTC {
					e.Fatalf("got a time in %v, want UTC", t.Location())
				}
			}
		}},
		{Name: "values/times-zero", Why: "The zero time means none.", run: func(e *env) {
			r := e.record()
			r.AuthenticatedAt, r.CreatedAt, r.LastSeen = time.Time{}, time.Time{}, time.Time{}
			e.keeps("zero times", r)
			if got := e.get(r.ID); !got.AuthenticatedAt.IsZero() || !got.LastSeen.IsZero() {
				e.Fatalf("got times %v and %v, want zero", got.AuthenticatedAt, got.LastSeen)
			}
		}},
		{Name: "values/times-far", Why: "A store keeps the times that it is given, however far away.", run: func(e *env) {
			for _, years := range []int{1, 10, 100} {
				r := e.record()
				r.ExpiresAt = e.now.AddDate(years, 0, 0)
				e.keeps(fmt.Sprintf("an end in %d years", years), r)
			}
			r := e.bound(e.user("ann"), time.Date(1999, 12, 31, 23, 59, 59, 999999000, time.UTC))
			r.CreatedAt, r.LastSeen = r.AuthenticatedAt, r.AuthenticatedAt
			e.keeps("times before 2000", r)
		}},
		{Name: "values/secret-binary", Why: "Secret is at most MaxSecret bytes, of any value.", run: func(e *env) {
			for name, b := range harness.Blobs(store.MaxSecret) {
				r := e.record()
				r.Secret = b
				e.keeps("a Secret of "+name, r)
			}
		}},
		{Name: "values/data-binary", Why: "Data is opaque.", run: func(e *env) {
			for name, b := range harness.Blobs(10_000) {
				r := e.record()
				r.Data = b
				e.keeps("Data of "+name, r)
			}
		}},
		{Name: "values/data-large", Why: "A store keeps Data of a mebibyte, or as much as it promises.", run: func(e *env) {
			n := 1 << 20
			if e.c.MaxData > 0 {
				n = e.c.MaxData
			}
			r := e.record()
			r.Data = harness.Noise(n)
			e.keeps(fmt.Sprintf("%d bytes of Data", n), r)
		}},
		{Name: "values/data-too-large", Needs: NeedMaxData, Why: "ErrTooLarge says that the record is larger than the store can keep. Nothing was changed.", run: func(e *env) {
			r := e.record()
			r.Data = harness.Noise(2 * e.c.MaxData)
			want := r.Clone()
			e.want("Create", e.s.Create(e.ctx, r), store.ErrTooLarge)
			e.same("Create", r, want)
			e.gone(r.ID)
			r.Data = []byte("small")
			was := e.create(r).Clone()
			r.Data = harness.Noise(2 * e.c.MaxData)
			want = r.Clone()
			e.want("Save", e.s.Save(e.ctx, r), store.ErrTooLarge)
			e.same("Save", r, want)
			e.stored(was)
		}},
		{Name: "values/user-agent", Why: "UserAgent is at most MaxUserAgent bytes of UTF-8.", run: func(e *env) {
			for _, ua := range []string{
				"", "a", " spaces at both ends ", `quotes ' " and \ backslash`, "%s %d $1 ? :x {}", "日本語", "e\u0301 é", "\ufeff",
				strings.Repeat("x", store.MaxUserAgent), "agent\uFDD0p\"hint\"\uFDD0", strings.Repeat("\U0001F980", store.MaxUserAgent/4), strings.Repeat("é", store.MaxUserAgent/2),
			} {
				r := e.record()
				r.UserAgent = ua
				e.keeps(fmt.Sprintf("the User-Agent %.40q (%d bytes)", ua, len(ua)), r)
				t := e.touch(r, time.Second)
				t.UserAgent = ua + ""
				e.ok("Touch", e.s.Touch(e.ctx, r, t))
				e.stored(r)
			}
		}},
		{Name: "values/ip", Why: "IP is an IPv4 or IPv6 address without zone, never an IPv4-mapped IPv6 address, or zero if unknown.", run: func(e *env) {
			for _, ip := range []netip.Addr{
				{}, netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("255.255.255.255"), netip.MustParseAddr("::"),
				netip.MustParseAddr("::1"), netip.MustParseAddr("::192.0.2.1"), netip.MustParseAddr("2001:db8::ff00:42:8329"), netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
			} {
				r := e.record()
				r.IP = ip
				e.keeps("the address "+ip.String(), r)
				t := e.touch(r, time.Second)
				e.ok("Touch", e.s.Touch(e.ctx, r, t))
				e.stored(r)
			}
		}},
		{Name: "values/version", Why: "Version is 1 after Create, and one more after each Save, past any small integer.", run: func(e *env) {
			r := e.create(e.record())
			for range 300 {
				e.ok("Save", e.s.Save(e.ctx, r))
			}
			e.stored(r)
		}},
		{Name: "values/user", Why: "User is at most MaxUser bytes of UTF-8.", run: func(e *env) {
			for _, name := range userNames() {
				e.keeps(fmt.Sprintf("the user %.40q", name), e.bound(e.user(name), e.now))
			}
		}},
		{Name: "values/user-bytes", Needs: NeedIndexed, Why: "User is compared byte by byte.", run: func(e *env) {
			of := make(map[string]*store.Record)
			var ids []string
			for _, name := range userNames() {
				id := e.user(name)
				of[id] = e.create(e.bound(id, e.now))
				ids = append(ids, id)
			}
			for _, id := range ids {
				e.lists(fmt.Sprintf("of user %.40q", id), store.Query{User: id}, of[id])
			}
			for i, id := range ids[:len(ids)/2] {
				cutoff := e.in(time.Duration(i+1) * time.Second)
				got, err := e.x.DeleteUser(e.ctx, id, cutoff)
				e.removes(fmt.Sprintf("DeleteUser %.40q", id), got, err, of[id])
				e.cutoff(id, cutoff)
			}
			for _, id := range ids[len(ids)/2:] {
				e.stored(of[id])
				e.cutoff(id, time.Time{})
			}
		}},
		{Name: "values/user-variants", Needs: NeedIndexed, Why: "User is compared byte by byte: another way to write an id is another user.", run: func(e *env) {
			id := e.user("1")
			r := e.create(e.bound(id, e.now))
			for _, other := range []string{" " + id, id + " ", "0" + id, "+" + id, id + ".0", id + "e0", id + "abc", "{" + id + "}", strings.ToUpper(id), id + "\t", id[:len(id)-1] + "*"} {
				if other == id {
					continue
				}
				what := fmt.Sprintf("user %q beside %q", other, id)
				e.lists(what, store.Query{User: other})
				got, err := e.x.DeleteUser(e.ctx, other, e.in(time.Second))
				if !errors.Is(err, store.ErrNoUser) {
					e.removes("DeleteUser of "+what, got, err)
				}
				e.stored(r)
				e.cutoff(id, time.Time{})
			}
		}},
		{Name: "values/tag", Why: "Tag is the store's note, and not kept: it is no part of the record.", run: func(e *env) {
			const created, saved = 1<<63 + 7, 1<<63 + 8
			r := e.record()
			r.Tag = created
			e.create(r)
			r.Tag = saved
			e.ok("Save", e.s.Save(e.ctx, r))
			e.stored(r)
			if got := e.get(r.ID).Tag; got == created || got == saved {
				e.Fatalf("got the Tag back that Create or Save was given")
			}
		}},
		{Name: "errors/no-data", Why: "No error text holds data of a record.", run: func(e *env) {
			r := e.bound(e.user("ann-MARKER"), e.now)
			r.Secret, r.Data, r.UserAgent, r.IP = []byte("secret-MARKER"), []byte("data-MARKER"), "agent-MARKER", netip.MustParseAddr("2001:db8::beef:cafe")
			e.create(r)
			old := r.Clone()
			e.ok("Save", e.s.Save(e.ctx, r))
			missing := r.Clone()
			missing.ID = e.id()
			for what, err := range map[string]error{
				"Create": e.s.Create(e.ctx, r.Clone()), "Save": e.s.Save(e.ctx, old), "Save of no record": e.s.Save(e.ctx, missing),
				"Touch": e.s.Touch(e.ctx, old, e.touch(old, time.Second)),
			} {
				if err == nil {
					continue // another case's business
				}
				for _, s := range []string{"MARKER", "2001:db8::beef:cafe", fmt.Sprintf("%x", "-MARKER"), string(r.User)} {
					if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(s)) && len(s) > 5 {
						e.Fatalf("the error of %s holds data of the record", what)
					}
				}
			}
		}},
	}
}
