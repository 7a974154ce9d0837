package pages

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// A flash is the notice of the last action, which the next page shows once. It travels in a cookie: a link to a page cannot make one, a
// reload finds it gone, nothing is stored for it, and it works where the values of a session cannot be read. It names the
// session that it is for, which is not known to a subdomain that can set cookies.
type flash struct {
	Session string `json:"s,omitempty"` // "": of a sign-out
	Key     string `json:"k,omitempty"` // of its text
	Ended   int    `json:"n,omitempty"`
	Device  string `json:"d,omitempty"` // of the only session that has ended, as the reader's language has it
	User    string `json:"u,omitempty"` // whose that was, for operators
	Until   int64  `json:"t,omitempty"` // until when it may still be accepted, in seconds since 1970
	Made    int64  `json:"m"`
}

const (
	flashCookie = "qsessions-notice"
	flashAge    = time.Minute
	maxFlash    = 2 << 10
	maxDevice   = 100 // bytes of a name
)

// secured reports whether the site is on https, also where a proxy ends that: browsers send cookies of these names there only.
func secured(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, "__Host-") || strings.HasPrefix(c.Name, "__Secure-") {
			return true
		}
	}
	return false
}

func (v *view) setFlash(w http.ResponseWriter, f flash, age time.Duration) {
	c := http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if secured(v.r) {
		c.Name, c.Secure = "__Host-"+flashCookie, true
	}
	if age > 0 {
		f.Made = time.Now().Unix()
		b, err := json.Marshal(f)
		if err != nil || len(b) > maxFlash {
			return
		}
		c.Value, c.MaxAge = base64.RawURLEncoding.EncodeToString(b), int(age/time.Second)
	}
	http.SetCookie(w, &c)
}

// takeFlash returns the flash for a session, or for a sign-out if id is zero, and takes it back from the browser.
func (v *view) takeFlash(w http.ResponseWriter, id session.ID) (f flash, ok bool) {
	name := flashCookie
	if secured(v.r) {
		name = "__Host-" + name
	}
	c, err := v.r.Cookie(name)
	if err != nil || v.r.Method != http.MethodGet {
		return f, false
	}
	v.setFlash(w, flash{}, 0)
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(b) > maxFlash || json.Unmarshal(b, &f) != nil {
		return flash{}, false
	}
	age := time.Since(time.Unix(f.Made, 0))
	if f.Session != id.String() || age < -flashAge || age > 2*flashAge || f.Ended < 0 {
		return flash{}, false
	}
	return f, true
}

// notice returns the text about the last action, or "".
func (v *view) notice(w http.ResponseWriter, p *Page) string {
	f, ok := v.takeFlash(w, v.session.ID())
	switch f.Key {
	case "notice.revoked", "notice.others":
	default:
		ok = false
	}
	if !ok {
		return ""
	}
	o := outcome{ended: f.Ended, until: time.Unix(f.Until, 0)}
	if f.Ended == 1 && f.Device != "" {
		o.device, o.user = visible(f.Device), visible(f.User)
	}
	return v.says(f.Key, o, p.zone)
}
