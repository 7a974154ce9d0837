package pages

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// An Admin is the page on which operators see all users' sessions and end them: a handler to be mounted at Config.Path,
// inside the session middleware. Requests without a signed-in user are answered with 401, those that Authorize refuses with 403. It is
// safe for concurrent use.
//
// Every request asks the database for the operator's session, never a cached copy: one that has been revoked, or that a
// cache made up, shows nothing and ends nothing. A stolen cookie of an operator could sign everyone out, so that ending
// sessions asks for a fresh sign-in: see Config.FreshToRevoke.
//
//	GET  {path}                  the list, latest first; a Filter as parameters, and after, limit; active ones by default
//	GET  {path}{id}              one session
//	GET  {path}charts            what devices and places the latest active sessions have
//	POST {path}{id}/revoke       ends it
//	POST {path}revoke            ends the sessions of the parameters id, or all of a Filter
//
// Each but the charts also answers in JSON: see the package comment.
//
// A page has 200 sessions at most, a search for text or for a range of addresses looks at 10,000, one for users is for 20 of
// them, counts end at 10,000, and a revocation of more goes on in further requests. Two filters make the database look at
// more rows than it returns: that for expired sessions at all that have not been swept, and a user with an address at all of
// the user's; a query that takes too long is ended.
type Admin struct {
	*site
	config AdminConfig
}

// NewAdmin returns the admin page of m. It validates c, templates included; c.Authorize is required.
func NewAdmin(m *session.Manager, c AdminConfig) (*Admin, error) {
	if m == nil {
		return nil, errors.New("pages: the manager is nil")
	}
	if c.Authorize == nil {
		return nil, errors.New("pages: AdminConfig.Authorize is nil: it must say who is an operator")
	}
	var err error
	if c.Config, err = c.Config.withDefaults("/admin/sessions/"); err != nil {
		return nil, err
	}
	if c.PageSize < 0 || c.PageSize > maxPage {
		return nil, fmt.Errorf("pages: AdminConfig.PageSize is %d, not 1 to %d", c.PageSize, maxPage)
	}
	c.PageSize = cmp.Or(c.PageSize, defaultPage)
	if c.UserURL == nil {
		c.UserURL = func(string) string { return "" }
	}
	s, err := newSite(m, c.Config, "")
	if err != nil {
		return nil, err
	}
	a := &Admin{s, c}
	look := guard{fresh: c.RequireFresh, exact: true, authorize: c.Authorize}
	revoke := guard{fresh: c.FreshToRevoke, exact: true, authorize: c.Authorize}
	s.get("", look, a.list, "state", "kind", "own", "user", "find", "ip", "text", "after", "limit")
	s.place = a.adminPlace
	s.get("{id}", look, a.one)
	s.getPage("charts", look, a.charts)
	s.post("{id}/revoke", revoke.butOwn(), a.revoke)
	s.post("revoke", revoke, a.revokeMany)
	row, fullFilter := AdminRow{Info: fullInfo(), Live: true, UserURL: "/"}, Filter{
		State: "expired", Kind: "users", Own: true, User: "a", Find: "a", IP: "a", Text: "a",
	}
	return a, s.try(
		try{"admin.html", AdminData{Sessions: []AdminRow{row}, Filter: fullFilter, First: "/", Next: "/", Continue: true}},
		try{"admin.html", AdminData{}},
		try{"admin.html", AdminData{Filter: fullFilter, Wrong: "ip", WrongText: "a", FindUsers: true, Users: []string{"a"}, MoreUsers: true, FindFailed: true}},
		try{"session.html", SessionData{
			Session: fullInfo(), Live: true, UserURL: "/", Values: []Value{{Name: "a", Cut: true}}, Omitted: 1, Shown: true,
		}},
		try{"session.html", SessionData{Corrupt: true, Shown: true}},
		try{"session.html", SessionData{Shown: true}},
		try{"confirm.html", ConfirmData{Sessions: []AdminRow{row}}},
		try{"confirm.html", ConfirmData{Filter: fullFilter, More: true, Everyone: true}},
		try{"confirm.html", ConfirmData{Filter: fullFilter, Users: []string{"a"}, MoreUsers: true}},
		try{"progress.html", ProgressData{Filter: fullFilter, Total: 1, Until: 1, Everyone: true, Users: []string{"a"}}},
		try{"charts.html", ChartsData{Charts: []Chart{{Bars: []Bar{{}}}}, Hours: HoursChart{Hours: make([]Hour, 24)}}},
		try{"error.html", nil},
	)
}

// AdminData is what admin.html shows.
type AdminData struct {
	Sessions []AdminRow
	Filter   Filter
	First    string // the address of the first page, if this is another one
	Next     string // the address of the next page, if there is one
	// Scanned is how many sessions a search for text, or a range of addresses, has looked at; 0: it is no such search.
	// Continue says that it ended before the last one.
	Scanned  int
	Continue bool
	// FindUsers says that Filter.Find is there for operators, instead of Filter.User. Users are those that it means, with
	// sessions or without, and MoreUsers says that there are more. FindFailed says that it was taken for an ID.
	FindUsers  bool
	Users      []string
	MoreUsers  bool
	FindFailed bool
	// Wrong is the name of the field of Filter that makes no sense, and WrongText says why; "": none. Then there are no
	// Sessions.
	Wrong     string
	WrongText string
}

// WrongAt is WrongText for the field that it is about, and "" for others.
func (d AdminData) WrongAt(field string) string {
	if field != d.Wrong {
		return ""
	}
	return d.WrongText
}

// An AdminRow is a session in the admin page's list.
type AdminRow struct {
	session.Info
	Live    bool
	UserURL string
}

func (a *Admin) rows(infos []session.Info, people map[string]Person) []AdminRow {
	now := time.Now()
	rows := make([]AdminRow, len(infos))
	for n, i := range infos {
		rows[n] = AdminRow{Info: i, Live: now.Before(i.ExpiresAt), UserURL: a.userURL(i.User, people)}
	}
	return rows
}

// userURL is the address of the application's page about a user, or "".
func (a *Admin) userURL(user string, people map[string]Person) string {
	if user == "" {
		return ""
	}
	if p := people[user]; p.URL != "" {
		return p.URL
	}
	return a.config.UserURL(user)
}

// peopleOf asks for the names of the operator, of the users of sessions, and of others.
func (v *view) peopleOf(infos []session.Info, others ...string) map[string]Person {
	users := append([]string{v.session.User()}, others...)
	for _, i := range infos {
		users = append(users, i.User)
	}
	return v.people(users...)
}

func (a *Admin) list(w http.ResponseWriter, v *view) error {
	values := v.r.URL.Query()
	f, err := parseFilter(values)
	if err != nil {
		return a.wrong(w, v, f, err)
	}
	limit, after, err := paging(values, a.config.PageSize)
	if err != nil {
		return err
	}
	who, failed, err := a.whose(v, f)
	if err != nil {
		return err
	}
	found, err := v.search(f, who, after, limit)
	if err != nil {
		return err
	}
	if f.Text == "" {
		v.describe(found.sessions)
	}
	people := v.peopleOf(found.sessions, who.users...)
	if v.json {
		l := listJSONOf(found.sessions, found.next, people)
		l.addUsers(who, people)
		if f.scans() {
			l.Scanned = found.scanned
		}
		return v.writeJSON(w, http.StatusOK, l)
	}
	data := AdminData{
		Sessions: a.rows(found.sessions, people), Filter: f, Continue: f.scans() && !found.next.IsZero() && len(found.sessions) < limit,
		FindUsers: a.config.FindUsers != nil, Users: who.users, MoreUsers: who.more, FindFailed: failed != nil,
	}
	if f.scans() {
		data.Scanned = found.scanned
	}
	if !found.next.IsZero() {
		data.Next = v.link(f, "after", found.next.String(), limit, a.config.PageSize)
	}
	if !after.IsZero() {
		data.First = v.link(f, "", "", limit, a.config.PageSize)
	}
	p := v.page("admin.title", data)
	p.Admin = true
	p.zone, p.people = v.zone(v.reader(found.sessions)), people
	p.Notice, p.SignIn = v.notice(w, p), v.signInFirst()
	return v.render(w, http.StatusOK, "admin.html", p)
}

// wrong shows a form again with the operator's input, and the error at its field.
func (a *Admin) wrong(w http.ResponseWriter, v *view, f Filter, err error) error {
	var p *problem
	if v.json || !errors.As(err, &p) || p.field == "" {
		return err
	}
	page := v.page("admin.title", AdminData{
		Filter: f, FindUsers: a.config.FindUsers != nil, Wrong: p.field, WrongText: v.language.text(p.key, p.pairs...),
	})
	page.Admin = true
	page.people = v.peopleOf(nil)
	return v.render(w, p.status, "admin.html", page)
}

func (a *Admin) one(w http.ResponseWriter, v *view) error {
	id, err := session.ParseID(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	i, stored, err := v.sessions.Values(v.r.Context(), id)
	corrupt := errors.Is(err, session.ErrCorrupt)
	if err != nil && !corrupt {
		return err
	}
	i = v.described(i)
	people := v.peopleOf([]session.Info{i})
	data := SessionData{Session: i, Live: time.Now().Before(i.ExpiresAt), UserURL: a.userURL(i.User, people)}
	if a.config.ShowValues != nil && a.config.ShowValues(v.r, v.session, i) {
		data.Shown, data.Corrupt = true, corrupt
		data.Values, data.Omitted = showValues(stored)
	}
	if v.json {
		return v.writeJSON(w, http.StatusOK, detailOf(data, people))
	}
	p := v.page("session.title", data)
	p.Admin = true
	p.zone, p.people = v.zone(v.reader([]session.Info{i})), people
	p.SignIn = v.signInFirst()
	return v.render(w, http.StatusOK, "session.html", p)
}
