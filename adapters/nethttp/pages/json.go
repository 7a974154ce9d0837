package pages

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// sessionJSON is a session in JSON: these fields and no others, whatever a later session.Info has (CVE-37).
type sessionJSON struct {
	ID              string            `json:"id"`
	User            string            `json:"user,omitempty"`
	Person          *personJSON       `json:"person,omitempty"` // the user as people know them; only where Config.Names knows
	Current         bool              `json:"current"`
	Live            bool              `json:"live"`
	CreatedAt       time.Time         `json:"created_at"`
	AuthenticatedAt *time.Time        `json:"authenticated_at,omitempty"`
	LastSeen        time.Time         `json:"last_seen"`
	ExpiresAt       time.Time         `json:"expires_at"`
	IP              string            `json:"ip,omitempty"`
	UserAgent       string            `json:"user_agent,omitempty"`
	Device          *deviceJSON       `json:"device,omitempty"`
	Location        *locationJSON     `json:"location,omitempty"`
	Facts           map[string]string `json:"facts,omitempty"`
}

// detailJSON is a single session, which is more than lists have.
type detailJSON struct {
	sessionJSON
	Level      int       `json:"level,omitempty"`
	Remembered bool      `json:"remembered"`
	Deadline   time.Time `json:"deadline"`

	// What is stored; only where AdminConfig.ShowValues allows it.
	Values        *[]Value `json:"values,omitempty"`
	ValuesOmitted int      `json:"values_omitted,omitempty"`
	ValuesCorrupt bool     `json:"values_corrupt,omitempty"`
}

type deviceJSON struct {
	Kind    string `json:"kind,omitempty"`
	Name    string `json:"name,omitempty"` // for lists: "Chrome on Android"
	Text    string `json:"text,omitempty"` // all of it: "K / Android 10 / Chrome Mobile 118.0.0.0"
	Brand   string `json:"brand,omitempty"`
	Model   string `json:"model,omitempty"`
	OS      string `json:"os,omitempty"`
	Browser string `json:"browser,omitempty"`
}

type locationJSON struct {
	Text        string `json:"text,omitempty"` // "Tehran, Iran"
	City        string `json:"city,omitempty"`
	Country     string `json:"country,omitempty"`
	CountryCode string `json:"country_code,omitempty"`
	TimeZone    string `json:"time_zone,omitempty"`
}

// personJSON is a Person.
type personJSON struct {
	Name   string `json:"name,omitempty"`
	Detail string `json:"detail,omitempty"`
	URL    string `json:"url,omitempty"`
}

func personJSONOf(user string, people map[string]Person) *personJSON {
	p, ok := people[user]
	if !ok || p == (Person{}) {
		return nil
	}
	return &personJSON{p.Name, p.Detail, p.URL}
}

func sessionJSONOf(i session.Info, people map[string]Person) sessionJSON {
	j := sessionJSON{
		ID: i.ID.String(), User: i.User, Person: personJSONOf(i.User, people), Current: i.Current, Live: time.Now().Before(i.ExpiresAt),
		CreatedAt: i.CreatedAt.UTC(), AuthenticatedAt: optional(i.AuthenticatedAt), LastSeen: i.LastSeen.UTC(), ExpiresAt: i.ExpiresAt.UTC(),
		UserAgent: i.UserAgent, Facts: i.Extra,
	}
	if i.IP.IsValid() {
		j.IP = i.IP.String()
	}
	if d := i.Device; d != (session.Device{}) {
		j.Device = &deviceJSON{string(d.Kind), d.Short(), d.String(), d.Brand, d.Model, d.OS.String(), d.Browser.String()}
	}
	if l := i.Location; l != (session.Location{}) {
		j.Location = &locationJSON{l.String(), l.City, l.Country, l.CountryCode, l.TimeZone}
	}
	return j
}

func detailOf(d SessionData, people map[string]Person) detailJSON {
	i := d.Session
	j := detailJSON{
		sessionJSON: sessionJSONOf(i, people), Level: i.Level, Remembered: i.Remembered, Deadline: i.Deadline.UTC(),
		ValuesOmitted: d.Omitted, ValuesCorrupt: d.Corrupt,
	}
	if d.Shown && !d.Corrupt {
		values := append([]Value{}, d.Values...) // [] is: none
		j.Values = &values
	}
	return j
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// listJSON is a page of a list. Next is the parameter "after" of the next page, if there is one.
type listJSON struct {
	Sessions []sessionJSON `json:"sessions"`
	Next     string        `json:"next,omitempty"`
	Scanned  int           `json:"scanned,omitempty"` // of a search for text or a range of addresses: how many sessions were looked at

	// Of a search for users: those that it means, with sessions or without, and whether there are more.
	Users     []userJSON `json:"users,omitempty"`
	UsersMore bool       `json:"users_more,omitempty"`
}

// userJSON is a user whom a search means.
type userJSON struct {
	User   string      `json:"user"`
	Person *personJSON `json:"person,omitempty"`
}

func (l *listJSON) addUsers(w whose, people map[string]Person) {
	for _, user := range w.users {
		l.Users = append(l.Users, userJSON{user, personJSONOf(user, people)})
	}
	l.UsersMore = w.more
}

func listJSONOf(infos []session.Info, next session.ID, people map[string]Person) listJSON {
	l := listJSON{Sessions: make([]sessionJSON, len(infos)), Next: next.String()}
	for n, i := range infos {
		l.Sessions[n] = sessionJSONOf(i, people)
	}
	return l
}

// listJSON goes by id, the latest first, as a cursor needs an order that does not change.
func (a *Account) listJSON(w http.ResponseWriter, v *view) error {
	limit, after, err := paging(v.r.URL.Query(), defaultPage)
	if err != nil {
		return err
	}
	q := session.Query{User: v.session.User(), After: after, Limit: limit + 1}
	infos, err := session.Collect(v.each(q))
	if err != nil {
		return err
	}
	infos, next := cut(infos, limit)
	v.describe(infos)
	return v.writeJSON(w, http.StatusOK, listJSONOf(infos, next, v.self()))
}

// orderJSON is an order in JSON. It needs no confirmation.
type orderJSON struct {
	IDs      []string    `json:"ids"`
	Filter   *filterJSON `json:"filter"`
	Everyone bool        `json:"everyone"`
	After    string      `json:"after"`
	DryRun   bool        `json:"dry_run"`
}

type filterJSON struct {
	State string `json:"state"`
	Kind  string `json:"kind"`
	Own   bool   `json:"own"`
	User  string `json:"user"`
	Find  string `json:"find"`
	IP    string `json:"ip"`
	Text  string `json:"text"`
}

// parseOrderJSON refuses what it does not know: a misspelled member must not leave a filter that means more than was meant.
func parseOrderJSON(r *http.Request) (order, error) {
	if !sendsJSON(r) {
		return order{}, &problem{name: "media-type", status: http.StatusUnsupportedMediaType, detail: "the Content-Type of the body must be application/json"}
	}
	var j orderJSON
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(&j)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			err = nil
		} else if err == nil {
			err = errors.New("pages: the body goes on after its object")
		}
	}
	if err != nil {
		return order{}, badBody(err, "the body is not a JSON object, or has a member that is not known or not of its type")
	}
	o := order{Confirmed: !j.DryRun, Everyone: j.Everyone}
	switch {
	case (len(j.IDs) > 0) == (j.Filter != nil):
		return o, &problem{name: "none-selected", status: http.StatusBadRequest, detail: "one of ids and filter is needed"}
	case len(j.IDs) > 0 && (j.DryRun || j.Everyone || j.After != ""):
		return o, bad("dry_run, everyone and after are for a filter")
	case j.Filter != nil:
		if o.filter, err = j.Filter.parse(); err != nil {
			return o, err
		}
		o.filter = o.filter.living()
	}
	return o, o.setIDs(j.IDs, j.After)
}

func (f filterJSON) parse() (Filter, error) {
	return parseFilter(Filter{State: f.State, Kind: f.Kind, Own: f.Own, User: f.User, Find: f.Find, IP: f.IP, Text: f.Text}.values())
}

// countJSON says how many sessions a filter has, and from where they are to be revoked so that later ones are not.
type countJSON struct {
	Count int    `json:"count"`
	More  bool   `json:"more"`
	After string `json:"after"`
}

func (a *Admin) countJSON(w http.ResponseWriter, v *view, o order) error {
	if o.after.IsZero() {
		o.after = store.NewID(time.Now())
	}
	who, err := a.ordered(v, o)
	if err != nil {
		return err
	}
	n, more, err := v.count(o.filter, who, o.after)
	if err != nil {
		return err
	}
	return v.writeJSON(w, http.StatusOK, countJSON{n, more, o.after.String()})
}
