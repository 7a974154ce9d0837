package pages

import (
	"net/http"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// sessionJSON is a session in JSON: these fields and no others, whatever a later session.Info has (CVE-37).
type sessionJSON struct {
	ID              string            `json:"id"`
	User            string            `json:"user,omitempty"`
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

	// Of a single session only.
	Level      int        `json:"level,omitempty"`
	Remembered bool       `json:"remembered,omitempty"`
	Deadline   *time.Time `json:"deadline,omitempty"`
}

type deviceJSON struct {
	Kind    string `json:"kind,omitempty"`
	Name    string `json:"name,omitempty"` // for lists: "Chrome on Android"
	Text    string `json:"text,omitempty"` // all of it: "K / Android 10 / Chrome Mobile 118.0.0"
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

func sessionJSONOf(i session.Info) sessionJSON {
	j := sessionJSON{
		ID: i.ID.String(), User: i.User, Current: i.Current, Live: time.Now().Before(i.ExpiresAt),
		CreatedAt: i.CreatedAt.UTC(), AuthenticatedAt: optional(i.AuthenticatedAt), LastSeen: i.LastSeen.UTC(), ExpiresAt: i.ExpiresAt.UTC(),
		UserAgent: i.UserAgent, Facts: i.Extra,
		Level: i.Level, Remembered: i.Remembered, Deadline: optional(i.Deadline),
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
	Scanned  int           `json:"scanned,omitempty"` // of a search for text: how many sessions were looked at
}

func listJSONOf(infos []session.Info, next session.ID) listJSON {
	l := listJSON{Sessions: make([]sessionJSON, len(infos)), Next: next.String()}
	for n, i := range infos {
		l.Sessions[n] = sessionJSONOf(i)
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
	infos, err := session.Collect(v.sessions.Scan(v.r.Context(), q))
	if err != nil {
		return err
	}
	infos, next := cut(infos, limit)
	v.sessions.DescribeAll(v.context(), infos)
	return v.writeJSON(w, http.StatusOK, listJSONOf(infos, next))
}
