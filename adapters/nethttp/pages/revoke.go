package pages

import (
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
	var out outcome
	if err := out.one(v.sessions.RevokeID(v.r.Context(), id)); err != nil {
		return &partial{err, out}
	}
	return v.done(w, Filter{}, "revoked", out)
}

// An order is what a request to revoke many asks for.
type order struct {
	ids    []session.ID // the selected ones; none: all of filter
	filter Filter

	Confirmed bool
	Everyone  bool       // a filter that leaves nobody out is meant
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
		return o, &problem{"none-selected", http.StatusBadRequest, "neither id nor all=1"}
	}
	return o, nil
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
		return &problem{"everyone", http.StatusBadRequest, "the filter leaves nobody out, and everyone is not set"}
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
}

func (a *Admin) confirm(w http.ResponseWriter, v *view, o order) error {
	data := ConfirmData{Filter: o.filter, Back: v.listOf(o.filter, nil)}
	var infos []session.Info
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
		v.sessions.DescribeAll(v.context(), infos)
		data.Sessions, data.Count = a.rows(infos), len(infos)
	} else {
		var err error
		before := store.NewID(time.Now())
		if data.Count, data.More, err = v.count(o.filter, before); err != nil {
			return err
		}
		data.Before, data.Everyone = before.String(), o.filter.Everyone()
	}
	p := v.page("confirm.title", data)
	p.Admin = true
	p.zone = v.zone(v.reader(infos))
	return v.render(w, http.StatusOK, "confirm.html", p)
}

func (a *Admin) revokeIDs(w http.ResponseWriter, v *view, o order) error {
	var out outcome
	for _, id := range o.ids {
		err := out.one(v.sessions.RevokeID(v.r.Context(), id))
		if err != nil && !errors.Is(err, session.ErrNotFound) { // one that has ended meanwhile is what was wanted
			return &partial{err, out}
		}
	}
	return v.done(w, o.filter, "revoked", out)
}

// ProgressData is what progress.html shows while more is to be revoked than one request does. Its form goes on.
type ProgressData struct {
	Filter   Filter
	Ended    int
	Total    int // at least
	After    string
	Until    int64 // until when some may still be accepted, in seconds since 1970; 0: none
	Everyone bool
	Back     string // the address of the list
}

// revokeFilter ends sessions of a filter, but the operator's own, for as long as one request may take.
func (a *Admin) revokeFilter(w http.ResponseWriter, v *view, o order) error {
	out := outcome{until: o.until}
	next, err := a.revokeSome(v, o, &out)
	if !v.json {
		out.ended += o.done
	}
	switch {
	case err != nil:
		return &partial{err, out}
	case v.json:
		return v.writeOutcome(w, out, next)
	case next.IsZero():
		return v.done(w, o.filter, "revoked", out)
	}
	data := ProgressData{o.filter, out.ended, max(o.total, out.ended, 1), next.String(), out.seconds(), o.Everyone, v.listOf(o.filter, nil)}
	p := v.page("progress.title", data)
	p.Admin = true
	return v.render(w, http.StatusOK, "progress.html", p)
}

// revokeSome returns after which session to go on; zero: that was all.
func (a *Admin) revokeSome(v *view, o order, out *outcome) (session.ID, error) {
	operator := v.session.User()
	if user, ok := o.filter.wholeUser(operator); ok {
		// All of one user's: in few statements, and with the sign-ins that are under way.
		if user == operator {
			return session.ID{}, v.revokeOthers(out)
		}
		n, err := v.sessions.RevokeUser(v.r.Context(), user)
		return session.ID{}, out.some(n, err)
	}
	end := time.Now().Add(revokeTime)
	after := o.after
	for {
		found, err := v.search(o.filter, after, revokeBatch)
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

// wholeUser reports whether f means all sessions of one user.
func (f Filter) wholeUser(operator string) (string, bool) {
	if f.Own && (f.User == "" || f.User == operator) {
		f.Own, f.User = false, operator
	}
	user := f.User
	f.User = ""
	if f.Kind == "users" { // as they are
		f.Kind = ""
	}
	if f.State == "active" { // those that have expired are no sessions any more
		f.State = ""
	}
	return user, user != "" && f.Empty()
}
