package pages

import (
	"mime"
	"net/http"
	"strings"
)

// apiPrefix is below which everything is answered in JSON, for clients that cannot say what they accept.
const apiPrefix = "api/"

// isAPI reports whether r is for the API by its path. A path without the last slash is too: it is redirected.
func (s *site) isAPI(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path+"/", s.config.Path+apiPrefix)
}

// wantsJSON reports whether a client asks for JSON: by the path, because it prefers that to HTML, or because it sends JSON
// and accepts one as well as the other. What accepts anything, as curl does, gets HTML.
func (s *site) wantsJSON(r *http.Request) bool {
	if s.isAPI(r) {
		return true
	}
	json, html := acceptance{specific: -1}, acceptance{specific: -1}
	accept := strings.Join(r.Header["Accept"], ",")
	if accept == "" {
		accept = "*/*"
	}
	for part := range strings.SplitSeq(accept, ",") {
		media, parameters, _ := strings.Cut(part, ";")
		a := acceptance{quality: 1}
		for p := range strings.SplitSeq(parameters, ";") {
			a.quality = min(a.quality, quality(p))
		}
		switch strings.ToLower(strings.TrimSpace(media)) {
		case "application/json", "application/problem+json":
			a.specific = 2
			json.see(a)
		case "application/*":
			a.specific = 1
			json.see(a)
		case "text/html":
			a.specific = 2
			html.see(a)
		case "text/*":
			a.specific = 1
			html.see(a)
		case "*/*":
			json.see(a)
			html.see(a)
		}
	}
	if json == html {
		return sendsJSON(r)
	}
	return json.quality > html.quality || json.quality == html.quality && json.quality > 0 && json.specific > html.specific
}

// An acceptance is how much a client likes a media type: what its most specific range says (RFC 9110, section 12.5.1).
type acceptance struct {
	quality  float64
	specific int // 2: the type itself, 0: anything
}

func (a *acceptance) see(b acceptance) {
	if b.specific > a.specific || b.specific == a.specific && b.quality > a.quality {
		*a = b
	}
}

// sendsJSON reports whether the body is JSON.
func sendsJSON(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/json"
}
