package session

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/qsessions/qsessions/core/store"
)

// A Client is what a request says of its sender. All of it is what the client, or a proxy, claims.
//
// A session keeps the client of its last request. A field that a request leaves out stays as it was, and raises no
// [ClientChanged]: some proxies and background requests of browsers send no User-Agent, and a list of devices is useful only
// if it names them. This hides no thief: a thief could send the User-Agent of the victim, too. A new address is reported.
type Client struct {
	IP        netip.Addr `json:"ip,omitzero"` // zero: unknown
	UserAgent string     `json:"user_agent,omitempty"`
	Hints     Hints      `json:"-"` // for enrichers; without a User-Agent they are not kept
}

// clean returns c as it may be stored, in memory of its own.
func (c Client) clean() Client {
	return Client{IP: c.IP.Unmap().WithZone(""), UserAgent: cleanUserAgent(c.UserAgent), Hints: c.Hints.clean()}
}

// cleanUserAgent cuts s to 512 bytes and replaces what databases and terminals refuse: invalid UTF-8 and control
// characters become U+FFFD, and so does the mark of hints.
func cleanUserAgent(s string) string {
	plain := len(s) <= store.MaxUserAgent
	for i := 0; plain && i < len(s); i++ {
		plain = s[i] >= ' ' && s[i] < 0x7f
	}
	if plain {
		return strings.Clone(s)
	}
	var b strings.Builder
	for _, r := range s { // an invalid byte is ranged over as U+FFFD
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == hintMark {
			r = utf8.RuneError
		}
		if b.Len()+utf8.RuneLen(r) > store.MaxUserAgent {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// goodUser reports whether s may name a user in every store.
func goodUser(s string) bool {
	return s != "" && len(s) <= store.MaxUser && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}
