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
	"github.com/qsessions/qsessions/core/store"
)

// The bounds of one request that revokes many.
const (
	revokeBatch = 500
	revokeTime  = 2 * time.Second
)

func (a *Admin) revoke(w http.ResponseWriter, v *view) error {
	id, err := session.ParseID(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	i, err := v.sessions.Inspect(v.r.Context(), id)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		return err
	}
	var out outcome
	if err := out.one(v.sessions.RevokeID(v.r.Context(), id)); err != nil {
		return &partial{err, out}
	}
	v.audit(out, i.User, id)
	v.name(&out, i)
	return v.done(w, v.list(), "notice.revoked", out)
}

// name notes which session it was that has ended, for a notice.
func (v *view) name(o *outcome, i session.Info) {
	if v.json || i.ID.IsZero() {
		return
	}
	o.device = v.deviceOf(i)
	if o.user = i.User; o.user != "" {
		o.user = cmp.Or(v.people(o.user)[o.user].Name, o.user)
	}
}

// An order is what a request to revoke many asks for.
type order struct {
	ids    []session.ID // the selected ones; none: all of filter
	filter Filter
	users  []string // whom filter.Find meant when the question was asked; nil: it has not been asked

	Confirmed bool
	Everyone  bool       // a filter that selects all users is meant
	after     session.ID // where to go on, or where to begin: what is created after the question is not meant
	done      int        // by earlier requests
	total     int        // what the question said
	until     time.Time  // until when some of the earlier ones may still be accepted
}

func (v *view) parseOrder() (order, error) {
	r := v.r
	if v.json {
		return parseOrderJSON(r)
	}
	if err := r.ParseForm(); err != nil {
		return order{}, badBody(err, "the form cannot be read")
	}
	f := r.PostForm
	o := order{Confirmed: f.Get("confirm") == "1", Everyone: f.Get("everyone") == "1"}
	var err error
	if o.filter, err = parseFilter(f); err != nil {
		return o, err
	}
	o.filter = o.filter.living()
	if o.users = f["who"]; f.Get("none") == "1" { // the question found no user
		o.users = []string{}
	}
	if len(o.users) > maxFound || slices.ContainsFunc(o.users, func(u string) bool { return !goodUser(u) }) {
		return o, bad("who is not a few IDs of users")
	}
	for name, n := range map[string]*int{"ended": &o.done, "total": &o.total} {
		if text := f.Get(name); text != "" {
			if *n, err = strconv.Atoi(text); err != nil || *n < 0 {
				return o, bad(name + " is not a number")
			}
		}
	}
	if text := f.Get("until"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return o, bad("until is not a number")
		}
		o.until = time.Unix(seconds, 0)
	}
	if err := o.setIDs(f["id"], f.Get("after")); err != nil {
		return o, err
	}
	if len(o.ids) == 0 && f.Get("all") != "1" {
		return o, &problem{name: "none-selected", status: http.StatusBadRequest, detail: "neither id nor all=1"}
	}
	return o, nil
}

// living is f for ending sessions: those that have expired have ended by themselves, unless they alone are meant.
func (f Filter) living() Filter {
	if f.State == "all" {
		f.State = ""
	}
	return f
}

// ordered finds whose sessions are meant. It fails where that cannot be found out: no others may end.
func (a *Admin) ordered(v *view, o order) (whose, error) {
	switch {
	case o.filter.Find == "":
		return whose{}, nil
	case o.users != nil:
		return whose{users: o.users}, nil
	}
	w, failed, err := a.whose(v, o.filter)
	if err == nil && failed != nil {
		return w, &problem{name: "unavailable", status: http.StatusServiceUnavailable, detail: "users cannot be searched for now"}
	}
	return w, err
}

func (o *order) setIDs(ids []string, after string) (err error) {
	if len(ids) > maxPage {
		return bad(fmt.Sprintf("more than %d ids", maxPage))
	}
	for _, text := range ids {
		id, err := session.ParseID(text)
		if err != nil {
			return bad("id is not an id of a session")
		}
		if !slices.Contains(o.ids, id) {
			o.ids = append(o.ids, id)
		}
	}
	if after != "" {
		if o.after, err = session.ParseID(after); err != nil {
			return bad("after is not an id of a session")
		}
	}
	return nil
}

// badBody is an error of reading a body: too large, or not what it should be.
func badBody(err error, detail string) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return bad(detail)
}

func (a *Admin) revokeMany(w http.ResponseWriter, v *view) error {
	o, err := v.parseOrder()
	switch {
	case err != nil:
		return err
	case !o.Confirmed && v.json:
		return a.countJSON(w, v, o)
	case !o.Confirmed:
		return a.confirm(w, v, o)
	case len(o.ids) > 0:
		return a.revokeIDs(w, v, o)
	case o.filter.Everyone() && !o.Everyone:
		return &problem{name: "everyone", status: http.StatusBadRequest, detail: "the filter leaves nobody out, and everyone is not set"}
	}
	return a.revokeFilter(w, v, o)
}

// ConfirmData is what confirm.html shows: what is about to be revoked. Its form posts to {path}revoke again.
type ConfirmData struct {
	Sessions []AdminRow // the selected ones; none: all of Filter
	Filter   Filter
	Count    int  // how many they are
	More     bool // or more
	Before   string
	Everyone bool   // it is everyone's
	Back     string // the address of the list

	// Users are whom Filter.Find means, and MoreUsers says that it finds more, whose sessions stay.
	Users     []string
	MoreUsers bool
}

func (a *Admin) confirm(w http.ResponseWriter, v *view, o order) error {
	data := ConfirmData{Filter: o.filter, Back: v.list()}
	var infos []session.Info
	var people map[string]Person
	if len(o.ids) > 0 {
		for _, id := range o.ids {
			i, err := v.sessions.Inspect(v.r.Context(), id)
			if errors.Is(err, session.ErrNotFound) {
				continue // it has ended meanwhile
			}
			if err != nil {
				return err
			}
			infos = append(infos, i)
		}
		if len(infos) == 0 {
			return session.ErrNotFound
		}
		v.describe(infos)
		people = v.peopleOf(infos)
		data.Sessions = a.rows(infos, people)
		for _, row := range data.Sessions {
			if row.Live {
				data.Count++
			}
		}
	} else {
		who, err := a.ordered(v, o)
		if err != nil {
			return err
		}
		before := store.NewID(time.Now())
		if data.Count, data.More, err = v.count(o.filter, who, before); err != nil {
			return err
		}
		data.Before, data.Everyone = before.String(), o.filter.Everyone()
		data.Users, data.MoreUsers = who.users, who.more
		people = v.peopleOf(nil, who.users...)
	}
	p := v.page("confirm.title", data)
	p.Admin = true
	p.zone, p.people = v.zone(v.reader(infos)), people
	return v.render(w, http.StatusOK, "confirm.html", p)
}

func (a *Admin) revokeIDs(w http.ResponseWriter, v *view, o order) error {
	var out outcome
	var last session.Info
	users := map[string]bool{}
	now := time.Now()
	for n, id := range o.ids {
		i, err := v.sessions.Inspect(v.r.Context(), id)
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			return v.stopped(err, out, "", o.ids[:n]...)
		}
		before := out.ended
		if err := out.one(v.sessions.RevokeID(v.r.Context(), id)); err != nil && !errors.Is(err, session.ErrNotFound) { // it has ended meanwhile
			return v.stopped(err, out, "", o.ids[:n]...)
		}
		if out.ended > before {
			if !i.ID.IsZero() && !now.Before(i.ExpiresAt) {
				out.ended = before // it had ended by itself
			} else {
				last, users[i.User] = i, true
			}
		}
	}
	v.audit(out, either(len(users) == 1, last.User, ""), o.ids...)
	if out.ended == 1 {
		v.name(&out, last)
	}
	return v.done(w, v.list(), "notice.revoked", out)
}

// stopped is an error after some sessions have ended.
func (v *view) stopped(err error, out outcome, user string, ids ...session.ID) error {
	v.audit(out, user, ids...)
	return &partial{err, out}
}

// ProgressData is what progress.html shows while more is to be revoked than one request does. Its form goes on.
type ProgressData struct {
	Filter   Filter
	Ended    int
	Total    int // at least
	After    string
	Until    int64 // until when some may still be accepted, in seconds since 1970; 0: none
	Everyone bool
	Back     string   // the address of the list
	Users    []string // whom Filter.Find means
}

// revokeFilter ends sessions of a filter, but the operator's own, for as long as one request may take.
func (a *Admin) revokeFilter(w http.ResponseWriter, v *view, o order) error {
	who, err := a.ordered(v, o)
	if err != nil {
		return err
	}
	out := outcome{until: o.until}
	next, err := a.revokeSome(v, o, who, &out)
	v.audit(out, o.filter.User)
	if !v.json {
		out.ended += o.done
	}
	switch {
	case err != nil:
		return &partial{err, out}
	case v.json:
		return v.writeOutcome(w, out, next)
	case next.IsZero():
		return v.done(w, v.listOf(o.filter, nil), "notice.revoked", out)
	}
	p := v.page("progress.title", ProgressData{
		Filter: o.filter, Ended: out.ended, Total: max(o.total, out.ended, 1), After: next.String(), Until: out.seconds(), Everyone: o.Everyone,
		Back: v.listOf(o.filter, nil), Users: who.users,
	})
	p.Admin = true
	p.people = v.peopleOf(nil)
	return v.render(w, http.StatusOK, "progress.html", p)
}

// revokeSome returns after which session to go on; zero: that was all.
func (a *Admin) revokeSome(v *view, o order, who whose, out *outcome) (session.ID, error) {
	operator := v.session.User()
	if users, ok := o.filter.wholeUsers(operator, who); ok {
		// All of each user's: in few statements, and with the sign-ins that are under way.
		for _, user := range users {
			if user == operator {
				if err := v.revokeOthers(out); err != nil {
					return session.ID{}, err
				}
				continue
			}
			n, err := v.sessions.RevokeUser(v.r.Context(), user)
			if err := out.some(n, err); err != nil {
				return session.ID{}, err
			}
		}
		return session.ID{}, nil
	}
	end := time.Now().Add(revokeTime)
	after := o.after
	for {
		found, err := v.search(o.filter, who, after, revokeBatch)
		if err != nil {
			return after, err
		}
		for _, i := range found.sessions {
			if i.Current {
				continue
			}
			if err := out.one(v.sessions.RevokeListed(v.r.Context(), i)); err != nil && !errors.Is(err, session.ErrNotFound) {
				return after, err
			}
			if after = i.ID; time.Now().After(end) {
				return after, nil
			}
		}
		if after = found.next; after.IsZero() || time.Now().After(end) {
			return after, nil
		}
	}
}

// wholeUsers reports whether f means all sessions of these users.
func (f Filter) wholeUsers(operator string, who whose) ([]string, bool) {
	users := who.users
	for _, user := range [...]string{f.User, either(f.Own, operator, "")} {
		switch {
		case user == "":
		case users != nil && !slices.Contains(users, user):
			return nil, false // there are no such sessions
		default:
			users = []string{user}
		}
	}
	f.User, f.Own, f.Find = "", false, ""
	if f.Kind == "users" { // as they are
		f.Kind = ""
	}
	return users, len(users) > 0 && f.Empty()
}
