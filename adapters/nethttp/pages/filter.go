package pages

import (
	"maps"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// A Filter is which sessions the admin page shows, by the parameters of its address. Its zero value is all of them.
type Filter struct {
	State string // "active", "expired" or "": both
	Kind  string // "users", "anonymous" or "": both
	Own   bool   // only the operator's own
	User  string // only this user's
	IP    string // only this address, or the addresses of this prefix: "192.0.2.0/24"
	Text  string // only sessions in whose device, User-Agent or place it occurs, whatever its case

	prefix netip.Prefix
}

const maxText = 200 // characters

func parseFilter(q url.Values) (Filter, error) {
	f := Filter{
		State: q.Get("state"), Kind: q.Get("kind"), User: q.Get("user"),
		IP: strings.TrimSpace(q.Get("ip")), Text: strings.TrimSpace(q.Get("text")),
	}
	switch f.State {
	case "", "active", "expired":
	default:
		return f, bad("state is not active or expired")
	}
	switch f.Kind {
	case "", "users", "anonymous":
	default:
		return f, bad("kind is not users or anonymous")
	}
	if own := q.Get("own"); own != "" {
		var err error
		if f.Own, err = strconv.ParseBool(own); err != nil {
			return f, bad("own is not 1 or 0")
		}
	}
	if len(f.User) > store.MaxUser || !utf8.ValidString(f.User) || strings.ContainsRune(f.User, 0) {
		return f, bad("user is longer than 255 bytes, or not UTF-8")
	}
	if utf8.RuneCountInString(f.Text) > maxText || !utf8.ValidString(f.Text) {
		return f, bad("text is longer than 200 characters, or not UTF-8")
	}
	return f, f.parseIP()
}

func (f *Filter) parseIP() error {
	if f.IP == "" {
		return nil
	}
	if a, err := netip.ParseAddr(f.IP); err == nil {
		a = a.Unmap().WithZone("") // a zone could hold anything
		f.IP, f.prefix = a.String(), netip.PrefixFrom(a, a.BitLen())
		return nil
	}
	p, err := netip.ParsePrefix(f.IP)
	if err != nil || p.Addr().Is4In6() {
		return bad("ip is not an address, or a prefix such as 192.0.2.0/24")
	}
	f.prefix = p.Masked()
	f.IP = f.prefix.String()
	return nil
}

// Empty reports whether all sessions pass.
func (f Filter) Empty() bool { return f == Filter{} }

// Everyone reports whether f leaves nobody out who is signed in.
func (f Filter) Everyone() bool {
	return f.User == "" && f.Text == "" && !f.Own && f.prefix.Bits() <= 0 && f.State != "expired" && f.Kind != "anonymous"
}

// query returns what the store selects; Text is for the caller. It is false if nothing can match.
func (f Filter) query(operator string, now time.Time) (session.Query, bool) {
	q := session.Query{User: f.User, Prefix: f.prefix}
	switch f.State {
	case "active":
		q.Live = now
	case "expired":
		q.Expired = now
	default:
		q.Live = time.UnixMicro(1).UTC() // the manager would take none for now
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
	for name, value := range map[string]string{"state": f.State, "kind": f.Kind, "user": f.User, "ip": f.IP, "text": f.Text} {
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
		return v.config.Path
	}
	return v.config.Path + "?" + q.Encode()
}
