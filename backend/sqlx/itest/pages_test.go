package itest

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/adapters/nethttp/pages"
	sessions "github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// A pageSite has both pages over a store, and somebody who is signed in: an operator.
type pageSite struct {
	handler http.Handler
	cookie  string
}

func newPageSite(t *testing.T, s store.Store, user string) *pageSite {
	t.Helper()
	m, err := sessions.New(s, sessions.Config{Logger: slog.New(slog.DiscardHandler), StoreTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	account, err := pages.NewAccount(m, pages.AccountConfig{})
	if err != nil {
		t.Fatal(err)
	}
	admin, err := pages.NewAdmin(m, pages.AdminConfig{Authorize: func(*http.Request, sessions.Session) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	mw := nethttp.New(m, nethttp.Config{})
	mux := http.NewServeMux()
	mux.Handle("/account/sessions/", account)
	mux.Handle("/admin/sessions/", admin)
	mux.Handle("/sign-in", mw.With(func(_ http.ResponseWriter, _ *http.Request, s sessions.Session) { s.Login(user) }))
	p := &pageSite{handler: mw.Handler(mux)}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/sign-in", nil))
	for _, c := range w.Result().Cookies() {
		p.cookie = c.Name + "=" + c.Value
	}
	if p.cookie == "" {
		t.Fatalf("the sign-in was answered with %d and no cookie", w.Code)
	}
	return p
}

// do requests a path; with a form it posts it.
func (p *pageSite) do(ctx context.Context, path string, form url.Values) (string, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(ctx, method, path, body)
	r.Header.Set("Cookie", p.cookie)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return "", fmt.Errorf("%s %s %v: %d %.300s", method, path, form, w.Code, w.Body)
	}
	return w.Body.String(), nil
}

var shown = regexp.MustCompile(`data-session="([^"]+)"`)

// A pageQuery is a request for the list of the admin page.
type pageQuery struct {
	state, kind, user, ip string
	after                 int // the number of a row
}

func (q pageQuery) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{"state": q.state, "kind": q.kind, "user": q.user, "ip": q.ip} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.state == "" {
		v.Set("state", "all") // the pages show active ones by default
	}
	if q.user == operator {
		v.Del("user")
		v.Set("own", "1")
	}
	if q.after > 0 {
		v.Set("after", rowID(q.after).String())
	}
	return v
}

const (
	operator = "olga"
	pageSize = 50
)

// pageQueries are each filter by itself, and combined with others.
func pageQueries(size int) (all []pageQuery) {
	middle := size / 2
	prefix := func(bits int) string {
		i := size/2 + 77
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), bits).Masked().String()
	}
	for _, state := range []string{"", "active", "expired"} {
		for _, kind := range []string{"", "users", "anonymous"} {
			for _, user := range []string{"", "u1", "u27", operator} {
				if kind == "anonymous" && user != "" {
					continue // asks nobody
				}
				for _, ip := range []string{"", strings.TrimSuffix(prefix(32), "/32"), prefix(24), prefix(16), "10.0.0.0/8", "192.0.0.0/8"} {
					q := pageQuery{state, kind, user, ip, 0}
					if (user == "" || ip == "") && (kind == "" || ip == "" || user == "") {
						all = append(all, q)
					}
					if q.after = middle; kind == "" && (ip == "" || user == "u1") {
						all = append(all, q)
					}
				}
			}
		}
	}
	return all
}

// want returns which rows the page has, in a table of size rows that were made as of now.
func (q pageQuery) want(size int, now, at time.Time) (ids []string) {
	first := size
	if q.after > 0 {
		first = q.after - 1
	}
	var prefix netip.Prefix
	if a, err := netip.ParseAddr(q.ip); err == nil {
		prefix = netip.PrefixFrom(a, 32)
	} else if q.ip != "" {
		prefix = netip.MustParsePrefix(q.ip)
	}
	for i := first; i > 0 && len(ids) < pageSize; i-- {
		hours := i % 700
		if i <= size/10 {
			hours = -2
		}
		expired := !at.Before(now.Add(time.Duration(hours) * time.Hour))
		user := "u" + strconv.Itoa(i%99991)
		switch {
		case i%10 == 0:
			user = ""
		case i%20 == 1:
			user = "u1"
		}
		n := i % 16777213
		if q.state == "active" && expired || q.state == "expired" && !expired || q.kind == "users" && user == "" || q.kind == "anonymous" && user != "" ||
			q.user != "" && user != q.user || prefix.IsValid() && !prefix.Contains(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})) {
			continue
		}
		ids = append(ids, rowID(i).String())
	}
	return ids
}

// few is how many rows of an address are read for one page; more are looked for in the order of ids.
const few = 10_001

// bound returns the index that the list must use, and how many rows it may look at.
func (q pageQuery) bound(size int) (index string, rows int) {
	const page = 600
	perUser, expired := 200, size/10+size/500
	if q.user == "u1" {
		perUser = size/20 + 1000
	}
	wide := strings.HasSuffix(q.ip, "/16") || strings.HasPrefix(q.ip, "10.0.0.0/8")
	switch {
	case q.user != "" && q.ip == "" && q.state != "expired":
		return "user", page
	case q.user != "" && q.state == "expired":
		return "user", max(perUser, expired) // PostgreSQL may read both, for their intersection
	case q.user != "":
		return "user", max(perUser, few)
	case q.ip != "" && !wide:
		return "ip", few
	case q.state == "expired":
		return "sweep", expired
	case q.kind == "anonymous" && q.ip == "":
		return "user", page
	case q.kind == "anonymous":
		return "user", size / 10
	case strings.HasSuffix(q.ip, "/16"):
		return "primary", max(size/2, few) // back to the latest of them, which are in the middle
	case q.kind == "users":
		return "primary|user", max(page, few)
	case q.ip != "":
		return "primary", few
	}
	return "primary", page
}

// checkPages asks the pages themselves for their lists, and reads the plan of each statement that they run. One of them may be
// the touch of the session.
func checkPages(t *testing.T, g target, r *recorder, db *sql.DB, s store.Store, now time.Time, size int) {
	r.take()
	p := newPageSite(t, s, operator)
	ask := func(p *pageSite, name, path string, form url.Values, index string, rows, total, statements int) string {
		t.Helper()
		var body string
		var calls []call
		var err error
		for range 5 { // a page gives up a list after seconds, which a busy machine may take
			r.take()
			body, err = p.do(t.Context(), path, form)
			if calls = r.take(); err == nil {
				break
			}
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(calls) > statements {
			t.Errorf("%s: %d statements, want at most %d", name, len(calls), statements)
		}
		read := 0
		for _, c := range calls {
			index, rows := index, rows
			switch {
			case strings.HasPrefix(c.text, "SELECT COUNT(*) FROM (SELECT ip "):
				index, rows = "ip", few
			case strings.Contains(c.text, "DESC\n LIMIT"):
				if g.name == "postgres" { // it cannot be told
					index = "primary|user|sweep|ip"
				}
			case strings.Contains(c.text, "WHERE id = "):
				index, rows = "primary", 1
			default:
				t.Errorf("%s: an unexpected statement: %s", name, c.text)
			}
			one, err := explainer[g.name](t.Context(), db, c)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			read += one.rows
			if !slices.Contains(strings.Split(index, "|"), one.index) || one.rows > rows {
				t.Errorf("%s: index %q with %d rows, want %q with at most %d\n%s\n%s", name, one.index, one.rows, index, rows, c.text, one.text)
			}
		}
		if read > total {
			t.Errorf("%s: %d rows in all, want at most %d", name, read, total)
		}
		return body
	}
	const list, count = "/admin/sessions/", 10_001 + 700
	for _, q := range pageQueries(size) {
		index, rows := q.bound(size)
		before := time.Now()
		body := ask(p, fmt.Sprintf("%+v", q), list+"?"+q.values().Encode(), nil, index, rows, rows+few+2, 4)
		if !before.Truncate(time.Hour).Equal(time.Now().Truncate(time.Hour)) {
			continue // another one may have expired
		}
		var got []string
		others := 0
		for _, m := range shown.FindAllStringSubmatch(body, -1) {
			if m[1] > rowID(size).String() { // that of the operator
				others++
				continue
			}
			got = append(got, m[1])
		}
		want := q.want(size, now, before)
		if want = want[:min(len(want), pageSize-others)]; !slices.Equal(got, want) {
			t.Errorf("%+v: got %v, want %v", q, got, want)
		}
	}
	ask(p, "text of all", list+"?text=test", nil, "primary", 600, 1100, 4)
	ask(p, "text of none", list+"?text=nothing", nil, "primary", 600, count, 25)
	ask(p, "text of none of a user", list+"?user=u1&text=nothing", nil, "user", 600, count, 25)
	ask(p, "charts", list+"charts", nil, "primary", 600, count, 25)
	all := func(filter ...string) url.Values {
		v := url.Values{"all": {"1"}}
		for i := 0; i < len(filter); i += 2 {
			v.Set(filter[i], filter[i+1])
		}
		return v
	}
	ask(p, "count", list+"revoke", all(), "primary", 600, count, 25)
	ask(p, "count of a heavy user", list+"revoke", all("user", "u1"), "user", 600, count, 25)
	ask(p, "count of anonymous", list+"revoke", all("kind", "anonymous"), "user", 600, count, 25)
	ask(p, "count of an address", list+"revoke", all("ip", "10.0.7.0/24"), "ip", few, 1000, 5)
	_, expired := pageQuery{state: "expired"}.bound(size)
	ask(p, "count of expired", list+"revoke", all("state", "expired"), "sweep", expired, 3*expired, 6)

	heavy := newPageSite(t, s, "u1")
	ask(heavy, "account page", "/account/sessions/", nil, "user", 600, 1300, 7)
	ask(heavy, "account page, second", "/account/sessions/?page=2", nil, "user", 600, 1300, 7)
	ask(heavy, "own of a heavy user", list+"?own=1", nil, "user", 600, 650, 4)
}
