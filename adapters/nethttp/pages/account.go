package pages

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// An Account is the page on which people see their own sessions and end them: a handler to be mounted at Config.Path,
// inside the session middleware. Requests without a signed-in user are answered with 401. It is safe for concurrent use.
//
// A cached copy of the session may show the list. Requests that end sessions ask the database, so that a session that has
// been revoked ends no others, and those that end other sessions than the own one ask for a fresh sign-in: see
// Config.FreshToRevoke.
//
//	GET  {path}                  the list, latest activity first
//	GET  {path}{id}              one session
//	POST {path}{id}/revoke       ends it; the own one: a sign-out
//	POST {path}revoke-others     ends all others
//	POST {path}sign-out
//
// Each also answers in JSON: see the package comment.
type Account struct {
	*site
	config AccountConfig
}

// signedOutPage is the default of AccountConfig.SignedOut, below the path.
const signedOutPage = "signed-out"

// NewAccount returns the account page of m. It validates c, templates included.
func NewAccount(m *session.Manager, c AccountConfig) (*Account, error) {
	if m == nil {
		return nil, errors.New("pages: the manager is nil")
	}
	var err error
	if c.Config, err = c.Config.withDefaults("/account/sessions/"); err != nil {
		return nil, err
	}
	elsewhere := ""
	if c.SignedOut != "" {
		if elsewhere, err = origin(c.SignedOut); err != nil {
			return nil, fmt.Errorf("pages: AccountConfig.SignedOut: %w", err)
		}
	}
	s, err := newSite(m, c.Config, elsewhere)
	if err != nil {
		return nil, err
	}
	a := &Account{s, c}
	look, revoke := guard{fresh: c.RequireFresh}, guard{fresh: c.FreshToRevoke, exact: true}
	s.get("", look, a.list, "after", "limit")
	s.get("{id}", look, a.one)
	s.post("{id}/revoke", revoke.butOwn(), a.revoke)
	s.place = accountPlace
	if c.SignedOut == "" {
		s.mux.HandleFunc(c.Path+signedOutPage, a.signedOut)
	}
	s.post("revoke-others", revoke, a.revokeOthers)
	s.post("sign-out", guard{exact: true}, a.signOut)
	return a, s.try(
		try{"account.html", AccountData{Sessions: []session.Info{{Current: true}, {}}, Others: 1, More: true, Page: 2, Pages: 3}},
		try{"account.html", AccountData{Others: 1}},
		try{"session.html", SessionData{Session: fullInfo(), Live: true}},
		try{"session.html", SessionData{}},
		try{"error.html", nil},
	)
}

// AccountData is what account.html shows.
type AccountData struct {
	Sessions []session.Info // of one page, latest activity first, the current one before all
	Others   int            // sessions besides the current one; of those that were read
	More     bool           // there are more than were read
	Page     int            // from 1
	Pages    int
}

// maxOwn is how many sessions the account page reads and sorts: Manager.Sessions yields no more.
const maxOwn = 1000

func (a *Account) list(w http.ResponseWriter, v *view) error {
	if v.json {
		return a.listJSON(w, v)
	}
	all, err := session.Collect(v.each(session.Query{User: v.session.User(), Limit: maxOwn + 1}))
	if err != nil {
		return err
	}
	more := len(all) > maxOwn
	all = all[:min(len(all), maxOwn)]
	current := func(i session.Info) bool { return i.Current }
	if more && !slices.ContainsFunc(all, current) {
		all[maxOwn-1] = v.session.Info() // it is an earlier one
		all[maxOwn-1].Current = true
	}
	slices.SortStableFunc(all, func(x, y session.Info) int {
		if x.Current != y.Current {
			return either(x.Current, -1, 1)
		}
		return y.LastSeen.Compare(x.LastSeen)
	})
	data := AccountData{Others: len(all), More: more, Page: 1, Pages: max((len(all)+defaultPage-1)/defaultPage, 1)}
	if slices.ContainsFunc(all, current) {
		data.Others--
	}
	if text := v.r.URL.Query().Get("page"); text != "" {
		if data.Page, err = strconv.Atoi(text); err != nil || data.Page < 1 {
			return bad("page is not a number from 1")
		}
		data.Page = min(data.Page, data.Pages) // some may have ended since the link was made
	}
	first := (data.Page - 1) * defaultPage
	data.Sessions = all[first:min(first+defaultPage, len(all))]
	v.describe(data.Sessions)

	p := v.page("account.title", data)
	p.zone, p.people = v.zone(v.reader(data.Sessions)), v.self()
	p.Notice, p.SignIn = v.notice(w, p), v.signInFirst()
	return v.render(w, http.StatusOK, "account.html", p)
}

// reader describes the session of the request, which may be one of those that have been described already.
func (v *view) reader(described []session.Info) session.Info {
	for _, i := range described {
		if i.Current {
			return i
		}
	}
	if v.config.TimeZone != nil {
		return session.Info{}
	}
	return v.described(v.session.Info())
}

// SessionData is what session.html shows.
type SessionData struct {
	Session session.Info
	Live    bool
	UserURL string  // the application's page about the user; admin only
	Values  []Value // what is stored; only if ShowValues allows it
	// Corrupt says that what is stored cannot be read.
	Corrupt bool
	// Shown says that Values may be shown, even if there are none.
	Shown bool
	// Omitted is how many values there are beyond Values.
	Omitted int
}

// own returns the id in the path, if it is that of a live session of the user who asks.
func (a *Account) own(v *view) (session.Info, error) {
	id, err := session.ParseID(v.r.PathValue("id"))
	if err != nil {
		return session.Info{}, err
	}
	i, err := v.sessions.Inspect(v.r.Context(), id)
	if err != nil {
		return session.Info{}, err
	}
	if i.User != v.session.User() || !time.Now().Before(i.ExpiresAt) {
		return session.Info{}, session.ErrNotFound
	}
	return i, nil
}

func (a *Account) one(w http.ResponseWriter, v *view) error {
	i, err := a.own(v)
	if err != nil {
		return err
	}
	i = v.described(i)
	people := v.self()
	if v.json {
		return v.writeJSON(w, http.StatusOK, detailOf(SessionData{Session: i}, people))
	}
	p := v.page("session.title", SessionData{Session: i, Live: true})
	p.zone, p.people = v.zone(v.reader([]session.Info{i})), people
	p.SignIn = v.signInFirst()
	return v.render(w, http.StatusOK, "session.html", p)
}

func (a *Account) revoke(w http.ResponseWriter, v *view) error {
	id, err := session.ParseID(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if id == v.session.ID() {
		return a.signOut(w, v)
	}
	// The answer to a foreign ID, and the work for it, are those for an unknown one.
	i, err := v.sessions.Inspect(v.r.Context(), id)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		return err
	}
	var out outcome
	if err := out.one(v.sessions.Revoke(v.r.Context(), v.session.User(), id)); err != nil {
		return &partial{err, out}
	}
	v.audit(out, i.User, i.ID)
	if !v.json {
		out.device = v.deviceOf(i)
	}
	return v.done(w, v.list(), "notice.revoked", out)
}

func (a *Account) revokeOthers(w http.ResponseWriter, v *view) error {
	var out outcome
	err := v.revokeOthers(&out)
	v.audit(out, v.session.User())
	if err != nil {
		return &partial{err, out}
	}
	return v.done(w, v.home, "notice.others", out)
}

// revokeOthers ends the other sessions of the user who asks, and commits the new token of this one while there can still be
// an answer that says what is wrong.
func (v *view) revokeOthers(out *outcome) error {
	n, err := v.sessions.RevokeOthers(v.r.Context(), v.session)
	if err := out.some(n, err); err != nil {
		return err
	}
	return out.some(0, v.session.Save(v.r.Context()))
}

// signOut commits at once, so that what the page says of it is true.
func (a *Account) signOut(w http.ResponseWriter, v *view) error {
	v.session.Logout()
	var out outcome
	if err := out.one(v.session.Save(v.r.Context())); err != nil {
		return err
	}
	if a.config.ClearSiteData {
		w.Header().Set("Clear-Site-Data", `"storage"`)
	}
	if v.json {
		return v.writeOutcome(w, out, session.ID{})
	}
	if a.config.SignedOut == "" && !out.until.IsZero() {
		v.setFlash(w, flash{Until: out.seconds()}, flashAge)
	}
	redirect(w, cmp.Or(a.config.SignedOut, v.home+signedOutPage), http.StatusSeeOther)
	return nil
}

// signedOut is the page for anyone who has signed out. Who is signed in is led to the list: the page would not be true.
func (a *Account) signedOut(w http.ResponseWriter, r *http.Request) {
	if !a.allow(w, r, http.MethodGet) {
		return
	}
	_, err := a.sessions.Require(r.Context(), session.Requirement{})
	if err == nil {
		redirect(w, a.up(r), http.StatusSeeOther)
		return
	}
	if !errors.Is(err, session.ErrUnauthenticated) {
		a.fail(w, r, err)
		return
	}
	v := a.newView(r, nil)
	p := v.page("signed-out.title", nil)
	p.Text = v.language.text("signed-out.text")
	if f, ok := v.takeFlash(w, session.ID{}); ok && f.Key == "" {
		p.Notice = v.untilWhen(time.Unix(f.Until, 0), p.zone)
	}
	if a.config.SignIn != nil {
		p.SignIn = a.config.SignIn(a.config.BasePath + a.config.Path)
	}
	if err := v.render(w, http.StatusOK, "error.html", p); err != nil {
		a.fail(w, r, err)
	}
}

// Previous is the number of the page before.
func (d AccountData) Previous() int { return d.Page - 1 }

// Following is the number of the next page.
func (d AccountData) Following() int { return d.Page + 1 }
