package pages

import (
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/qsessions/qsessions/core/session"
)

// A Filter is which sessions the admin page shows, by the parameters of its address. Its zero value is all that are active.
type Filter struct {
	State string // "": active ones, "expired", or "all"
	Kind  string // "users", "anonymous" or "": both
	Own   bool   // only the operator's own
	User  string // only this user's, by the ID
	Find  string // only those of the users that this means, to AdminConfig.FindUsers or as an ID
	IP    string // only these addresses: one, a prefix such as "192.0.2.0/24", or a range such as "192.0.2.10-192.0.2.20"
	Text  string // only sessions in whose device, User-Agent or place it occurs, whatever its case

	addresses addressRange
}

const maxText = 200 // characters

// parseFilter reads the parameters of a filter. With an error, which names the first field that makes no sense, it returns
// what was given, so that a form can show it again.
func parseFilter(q url.Values) (Filter, error) {
	f := Filter{
		State: q.Get("state"), Kind: q.Get("kind"), User: q.Get("user"), Find: strings.TrimSpace(q.Get("find")),
		IP: strings.TrimSpace(q.Get("ip")), Text: strings.TrimSpace(q.Get("text")),
	}
	if f.State == "active" {
		f.State = ""
	}
	var first error
	wrong := func(field, detail, key string, pairs ...string) {
		if first == nil {
			first = badField(field, detail, key, pairs...)
		}
	}
	switch f.State {
	case "", "expired", "all":
	default:
		wrong("state", "state is not active, expired or all", "wrong.choice")
		f.State = ""
	}
	switch f.Kind {
	case "", "users", "anonymous":
	default:
		wrong("kind", "kind is not users or anonymous", "wrong.choice")
		f.Kind = ""
	}
	if own := q.Get("own"); own != "" {
		var err error
		if f.Own, err = strconv.ParseBool(own); err != nil {
			wrong("own", "own is not 1 or 0", "wrong.choice")
		}
	}
	if f.User != "" && !goodUser(f.User) {
		wrong("user", "user is longer than 255 bytes, or not UTF-8", "wrong.user")
	}
	if f.Find != "" && !goodUser(f.Find) {
		wrong("find", "find is longer than 255 bytes, or not UTF-8", "wrong.user")
	}
	f.parseIP(wrong)
	if utf8.RuneCountInString(f.Text) > maxText || !utf8.ValidString(f.Text) {
		wrong("text", "text is longer than 200 characters, or not UTF-8", "wrong.text")
	}
	return f, first
}

const maxAddresses = 100 // bytes: two of the longest addresses are 79

func (f *Filter) parseIP(wrong func(field, detail, key string, pairs ...string)) {
	if f.IP == "" {
		return
	}
	const detail = "ip is not an address, a prefix such as 192.0.2.0/24, a range such as 192.0.2.10-192.0.2.20, or an address with wildcards at its end"
	if len(f.IP) > maxAddresses || !utf8.ValidString(f.IP) {
		f.IP = strings.ToValidUTF8(f.IP[:min(len(f.IP), maxAddresses)], "\ufffd")
		wrong("ip", detail, "wrong.ip", "ip", visible(f.IP), "try", "192.0.2.0/24")
		return
	}
	addresses, shown, try, ok := parseAddresses(f.IP)
	switch {
	case ok:
		f.addresses, f.IP = addresses, shown
	case try != "":
		wrong("ip", detail, "wrong.ip-part", "ip", visible(f.IP), "try", try)
	default:
		wrong("ip", detail, "wrong.ip", "ip", visible(f.IP), "try", "192.0.2.0/24")
	}
}

// Empty reports whether all active sessions pass.
func (f Filter) Empty() bool { return f == Filter{} }

// Everyone reports whether f leaves no user out who is signed in.
func (f Filter) Everyone() bool {
	return f.User == "" && f.Find == "" && f.Text == "" && !f.Own && f.addresses.prefix.Bits() <= 0 && !f.addresses.low.IsValid() &&
		f.State != "expired" && f.Kind != "anonymous"
}

// scans reports whether the store alone cannot find the sessions of f.
func (f Filter) scans() bool { return f.Text != "" || f.addresses.low.IsValid() }

// query returns the store's part of f, for all users or for one; the rest is for the caller. It is false if nothing can
// match.
func (f Filter) query(operator string, now time.Time) (session.Query, bool) {
	q := session.Query{User: f.User, Prefix: f.addresses.prefix}
	switch f.State {
	case "expired":
		q.Expired = now
	case "all":
		q.Live = time.UnixMicro(1).UTC() // the manager would take none for now
	default:
		q.Live = now
	}
	switch f.Kind {
	case "users":
		q.Kind = session.Users
	case "anonymous":
		q.Kind = session.Anonymous
	}
	if f.Own {
		if f.User != "" && f.User != operator {
			return q, false
		}
		q.User = operator
	}
	return q, true
}

// values are the parameters that parseFilter reads.
func (f Filter) values() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"state": f.State, "kind": f.Kind, "user": f.User, "find": f.Find, "ip": f.IP, "text": f.Text} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Own {
		q.Set("own", "1")
	}
	return q
}

// link is the address of a page of the list.
func (v *view) link(f Filter, name, value string, limit, usual int) string {
	more := url.Values{}
	if name != "" {
		more.Set(name, value)
	}
	if limit != usual {
		more.Set("limit", strconv.Itoa(limit))
	}
	return v.listOf(f, more)
}

// listOf is the address of the list of f, with more parameters.
func (v *view) listOf(f Filter, more url.Values) string {
	q := f.values()
	maps.Copy(q, more)
	if len(q) == 0 {
		return v.home
	}
	return v.home + "?" + q.Encode()
}

// lets reports whether f lets a session through that the store has found.
func (f Filter) lets(i session.Info) bool {
	return !f.addresses.low.IsValid() || f.addresses.has(i.IP.Unmap())
}
