package storetest

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// newest returns the records as List must: latest id first.
func newest(rs ...*store.Record) []*store.Record {
	rs = slices.Clone(rs)
	slices.SortFunc(rs, func(a, b *store.Record) int { return compareIDs(b.ID, a.ID) })
	return rs
}

// byID returns the record of that id, or one that equals nothing.
func byID(rs []*store.Record, id store.ID) *store.Record {
	if i := slices.IndexFunc(rs, func(r *store.Record) bool { return r.ID == id }); i >= 0 {
		return rs[i]
	}
	return new(store.Record)
}

// mixed stores records of two users and anonymous ones, with different addresses and ends, in no order.
func (e *env) mixed() []*store.Record {
	ann, bob := e.user("ann"), e.user("bob")
	rs := []*store.Record{
		e.bound(ann, e.now), e.record(), e.bound(bob, e.now), e.bound(ann, e.now), e.record(), e.bound(bob, e.now), e.bound(ann, e.now), e.record(),
	}
	for i, r := range rs {
		r.ExpiresAt = e.in(time.Duration(i/2%3+1) * time.Hour)
		r.IP = []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"), {}}[i/3%3]
	}
	for _, i := range []int{5, 0, 7, 2, 1, 6, 4, 3} {
		e.create(rs[i])
	}
	return newest(rs...)
}

func listCases() []Case {
	cases := []Case{
		{Name: "list/empty", Why: "List yields the records of q: none, if there is none.", run: func(e *env) {
			e.lists("an empty store", store.Query{})
			e.create(e.record())
			e.lists("a user without records", store.Query{User: e.user("ann")})
		}},
		{Name: "list/order", Why: "List yields the latest id first.", run: func(e *env) {
			rs := e.mixed()
			e.ordered("everything", store.Query{}, rs...)
			e.ordered("of a user", store.Query{User: e.user("ann")}, matching(rs, store.Query{User: e.user("ann")})...)
		}},
		{Name: "list/order-is-by-bytes", Why: "IDs are ordered as bytes are, unsigned, all sixteen.", run: func(e *env) {
			var rs []*store.Record
			for _, at := range []int{0, 5, 6, 8, 9, 15} {
				for _, b := range []byte{0x01, 0x7f, 0x80, 0xff} {
					r := e.record()
					r.ID = store.ID{3: 0x40, 6: 0x70, 8: 0x80}
					r.ID[at] = b
					if !slices.ContainsFunc(rs, func(o *store.Record) bool { return o.ID == r.ID }) {
						rs = append(rs, e.create(r))
					}
				}
			}
			rs = newest(rs...)
			e.ordered("everything", store.Query{}, rs...)
			for i, r := range rs {
				e.ordered("behind an id", store.Query{After: r.ID}, rs[i+1:]...)
			}
		}},
		{Name: "list/complete", Why: "List yields records with everything but Secret and Data.", run: func(e *env) {
			rs := e.mixed()
			e.ok("Save", e.s.Save(e.ctx, rs[3]))
			for _, got := range e.list(store.Query{}) {
				want := byID(rs, got.ID).Clone()
				want.Secret, want.Data = got.Secret, got.Data // other cases look at these
				if d := diff(got, want); d != "" {
					e.Fatalf("List: %s", d)
				}
			}
		}},
		{Name: "list/no-secret", Why: "List yields records without Secret.", run: func(e *env) {
			e.mixed()
			for _, q := range []store.Query{{}, {Data: true}, {User: e.user("ann"), Data: true}} {
				for _, r := range e.list(q) {
					if len(r.Secret) > 0 {
						e.Fatalf("List %+v: got a record with a Secret of %d bytes", q, len(r.Secret))
					}
				}
			}
		}},
		{Name: "list/data-on-request", Why: "List yields records without Data unless q asks for it.", run: func(e *env) {
			rs := e.mixed()
			for _, r := range e.list(store.Query{}) {
				if len(r.Data) > 0 {
					e.Fatalf("got %d bytes of Data without Query.Data, want none", len(r.Data))
				}
			}
			for _, r := range e.list(store.Query{Data: true}) {
				if want := byID(rs, r.ID).Data; !bytes.Equal(r.Data, want) {
					e.Fatalf("got Data %q, want %q", r.Data, want)
				}
			}
		}},
		{Name: "list/keyset", Why: "List starts behind After, that is with an earlier id, whether After is there or not.", run: func(e *env) {
			rs := e.mixed()
			for i, r := range rs {
				e.ordered("behind a record", store.Query{After: r.ID}, rs[i+1:]...)
				q := store.Query{After: r.ID, User: e.user("ann")}
				e.ordered("behind a record, of a user", q, matching(rs, q)...)
			}
			e.ordered("behind an id that is later than all", store.Query{After: e.id()}, rs...)
			e.ok("Delete", e.s.Delete(e.ctx, rs[2].ID))
			e.ordered("behind a removed record", store.Query{After: rs[2].ID}, rs[3:]...)
			e.ordered("behind an id that is earlier than all", store.Query{After: store.ID{15: 1}})
		}},
		{Name: "list/limit", Why: "List yields at most Limit records; 0 or less: no limit.", run: func(e *env) {
			rs := e.mixed()
			for _, limit := range []int{-1, 0, 1, 2, 7, 8, 9, 100000} {
				want := rs
				if limit > 0 {
					want = rs[:min(limit, len(rs))]
				}
				e.ordered("with a limit", store.Query{Limit: limit}, want...)
			}
		}},
		{Name: "list/pages", Why: "Limit and After together page through all records, each once.", run: func(e *env) {
			rs := e.mixed()
			for _, size := range []int{1, 3, 4} {
				var got []*store.Record
				q := store.Query{Limit: size}
				for range len(rs) + 1 {
					page := e.list(q)
					if len(page) == 0 {
						break
					}
					got = append(got, page...)
					q.After = page[len(page)-1].ID
				}
				if g, w := names(got), names(rs); g != w {
					e.Fatalf("pages of %d: got records %s, want %s", size, g, w)
				}
			}
		}},
		{Name: "list/user", Why: "A Query with User selects only this user's records.", run: func(e *env) {
			rs := e.mixed()
			for _, name := range []string{"ann", "bob", "eve"} {
				q := store.Query{User: e.user(name)}
				e.lists(name, q, matching(rs, q)...)
			}
		}},
		{Name: "list/kind", Why: "A Query with Kind selects everyone's, users', or anonymous records.", run: func(e *env) {
			rs := e.mixed()
			for _, k := range []store.Kind{store.Everyone, store.Users, store.Anonymous} {
				q := store.Query{Kind: k}
				e.lists("of a kind", q, matching(rs, q)...)
			}
		}},
		{Name: "list/live", Why: "A Query with Live selects only records that are live then, as Record.Live says.", run: func(e *env) {
			rs := e.mixed()
			for _, r := range rs[:3] {
				for _, d := range []time.Duration{-time.Microsecond, 0, time.Microsecond} {
					q := store.Query{Live: r.ExpiresAt.Add(d)}
					e.lists("live at "+d.String()+" from an end", q, matching(rs, q)...)
				}
			}
			e.lists("live in ten years", store.Query{Live: e.now.AddDate(10, 0, 0)})
		}},
		{Name: "list/expired", Why: "A Query with Expired selects only records that have expired by then.", run: func(e *env) {
			rs := e.mixed()
			for _, r := range rs[:3] {
				for _, d := range []time.Duration{-time.Microsecond, 0, time.Microsecond} {
					q := store.Query{Expired: r.ExpiresAt.Add(d)}
					e.lists("expired at "+d.String()+" from an end", q, matching(rs, q)...)
				}
			}
			e.lists("expired in ten years", store.Query{Expired: e.now.AddDate(10, 0, 0)}, rs...)
		}},
		{Name: "list/combined", Why: "What a Query does not set does not matter, and what it sets holds together.", run: func(e *env) {
			rs := e.mixed()
			for i := range 1 << 9 {
				q := store.Query{Live: e.in(90 * time.Minute)}
				if i&1 != 0 {
					q.User = e.user("ann")
				}
				q.Kind = []store.Kind{store.Everyone, store.Users, store.Anonymous, store.Everyone}[i>>1&3]
				if i&8 != 0 {
					q.Expired = e.in(150 * time.Minute)
				}
				if i&16 != 0 {
					q.Prefix = netip.MustParsePrefix("2001:db8::/32")
				}
				if i&32 != 0 {
					q.After = rs[1].ID
				}
				if i&64 != 0 {
					q.IDs = []store.ID{rs[5].ID, rs[0].ID, rs[2].ID, rs[3].ID, rs[6].ID}
				}
				q.Limit, q.Data = i>>7&1*2, i&256 != 0
				want := matching(rs, q)
				if q.Limit > 0 {
					want = want[:min(len(want), q.Limit)]
				}
				e.ordered(fmt.Sprintf("%+v", q), q, want...)
			}
		}},
		{Name: "list/prefix", Why: "A Query with Prefix selects only addresses in it.", run: func(e *env) {
			e.prefixes("192.0.2.0/24", "192.0.2.77/24", "192.0.2.128/25", "192.0.2.128/32", "192.0.0.0/16", "198.51.100.0/22",
				"2001:db8::/32", "2001:db8::ffff/64", "2001:db8:0:1::/64", "2001:db8::1/128", "fe80::/10", "203.0.113.0/24")
		}},
		{Name: "list/prefix-v4", Why: "An IPv4 prefix matches IPv4 addresses only.", run: func(e *env) {
			e.prefixes("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "0.0.0.0/8")
		}},
		{Name: "list/prefix-v6", Why: "A Query with Prefix selects only addresses in it: no IPv6 prefix holds an IPv4 address.", run: func(e *env) {
			e.prefixes("::/0", "::/1", "::/64", "::/96", "8000::/1")
		}},
	}
	for i := range cases {
		cases[i].Needs |= NeedIndexed
	}
	return cases
}

// prefixes lists by each prefix what package netip says is in it.
func (e *env) prefixes(prefixes ...string) {
	rs := []*store.Record{e.record()}
	rs[0].IP = netip.Addr{}
	for _, ip := range []string{
		"0.0.0.0", "0.0.0.1", "127.0.0.1", "192.0.1.255", "192.0.2.0", "192.0.2.127", "192.0.2.128", "192.0.2.255", "192.0.3.0", "198.51.103.255",
		"198.51.104.0", "255.255.255.255", "::", "::1", "::c000:280", "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::", "2001:db9::",
		"fe80::1", "febf:ffff::", "fec0::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	} {
		r := e.record()
		r.IP = netip.MustParseAddr(ip)
		rs = append(rs, r)
	}
	e.create(rs...)
	rs = newest(rs...)
	for _, p := range prefixes {
		q := store.Query{Prefix: netip.MustParsePrefix(p)}
		want := matching(rs, q)
		if got := newest(e.list(q)...); names(got) != names(want) {
			e.Fatalf("%s: got addresses %s, want %s", p, addrs(got), addrs(want))
		}
	}
}

func addrs(rs []*store.Record) (l []netip.Addr) {
	for _, r := range rs {
		l = append(l, r.IP)
	}
	return l
}

// matching returns the records that q selects, whatever its limit.
func matching(rs []*store.Record, q store.Query) []*store.Record {
	return slices.DeleteFunc(slices.Clone(rs), func(r *store.Record) bool { return !matches(r, q) })
}

// matches reports whether q selects r: what List must do, in Go.
func matches(r *store.Record, q store.Query) bool {
	return (len(q.IDs) == 0 || slices.Contains(q.IDs, r.ID)) && (q.User == "" || r.User == q.User) &&
		(q.Kind != store.Users || r.User != "") && (q.Kind != store.Anonymous || r.User == "") &&
		(q.Live.IsZero() || r.Live(q.Live)) && (q.Expired.IsZero() || !r.Live(q.Expired)) &&
		(!q.Prefix.IsValid() || q.Prefix.Contains(r.IP)) &&
		(q.After.IsZero() || compareIDs(r.ID, q.After) < 0)
}
