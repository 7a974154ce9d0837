package pages

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

//go:embed assets
var assetFiles embed.FS

// A site is what the account page and the admin page have in common.
type site struct {
	sessions  *session.Manager
	config    Config
	templates *template.Template
	assets    map[string]string // the address of each, by its name
	mux       *http.ServeMux
	zones     sync.Map // *time.Location, or nil, by name
}

func newSite(m *session.Manager, c Config) (*site, error) {
	s := &site{sessions: m, config: c, assets: map[string]string{}, mux: http.NewServeMux()}
	var err error
	if s.templates, err = parseTemplates(c.Templates); err != nil {
		return nil, err
	}
	files, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		b, err := assetFiles.ReadFile("assets/" + f.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		name, extension, _ := strings.Cut(f.Name(), ".")
		address := c.Path + "assets/" + name + "-" + hex.EncodeToString(sum[:6]) + "." + extension
		s.assets[f.Name()] = address
		s.mux.HandleFunc(address, func(w http.ResponseWriter, r *http.Request) {
			if !s.allow(w, r, http.MethodGet) {
				return
			}
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // the name tells the content
			http.ServeFileFS(w, r, assetFiles, "assets/"+f.Name())
		})
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errNoPage) })
	return s, nil
}

// A view is one request to a page.
type view struct {
	*site
	r        *http.Request
	session  session.Session
	language *Language
	json     bool
}

// A handler answers a request for which somebody is signed in. An error is answered by a page.
type handler func(w http.ResponseWriter, v *view) error

// get and post mount a handler; other methods are answered with 405.
func (s *site) get(pattern string, g guard, h handler)  { s.handle(http.MethodGet, pattern, g, h) }
func (s *site) post(pattern string, g guard, h handler) { s.handle(http.MethodPost, pattern, g, h) }

func (s *site) handle(method, pattern string, g guard, h handler) {
	pattern = s.config.Path + pattern
	if strings.HasSuffix(pattern, "/") {
		pattern += "{$}"
	}
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if !s.allow(w, r, method) {
			return
		}
		v, err := s.view(r, g)
		if err == nil {
			err = h(w, v)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

func (s *site) allow(w http.ResponseWriter, r *http.Request, method string) bool {
	if r.Method == method || r.Method == http.MethodHead && method == http.MethodGet {
		return true
	}
	if method == http.MethodGet {
		method = "GET, HEAD"
	}
	w.Header().Set("Allow", method)
	s.fail(w, r, errMethod)
	return false
}

// A guard says who may ask.
type guard struct {
	fresh     time.Duration
	authorize func(*http.Request, session.Session) bool // nil: whoever is signed in
}

func (s *site) view(r *http.Request, g guard) (*view, error) {
	current, err := s.sessions.Require(r.Context(), session.Requirement{MaxAge: g.fresh})
	if err != nil {
		return nil, err
	}
	if g.authorize != nil && !g.authorize(r, current) {
		return nil, errForbidden
	}
	return &view{s, r, current, s.config.choose(r), wantsJSON(r)}, nil
}

// context is that of the request, for enrichers that know the reader's language.
func (v *view) context() context.Context {
	return v.config.Localize(v.r.Context(), v.language.tag)
}

// ServeHTTP implements [http.Handler].
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if err := s.config.CrossOrigin.Check(r); err != nil {
		s.fail(w, r, errCrossOrigin)
		return
	}
	if r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, s.config.Path+apiPrefix); ok {
		// The same handlers, for clients that cannot say what they accept.
		r = r.Clone(context.WithValue(r.Context(), apiKey{}, true))
		r.URL.Path, r.URL.RawPath = s.config.Path+rest, ""
	}
	s.mux.ServeHTTP(w, r)
}

const apiPrefix = "api/"

type apiKey struct{}

// secure lets a page load nothing but its own style sheet and script, be framed by nobody, and send forms only home.
// ASVS 5.0 3.4.3 to 3.4.8.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// wantsJSON reports whether a client asks for JSON: by the path, or because it accepts that rather than HTML.
func wantsJSON(r *http.Request) bool {
	if r.Context().Value(apiKey{}) != nil {
		return true
	}
	best, json := 0.0, false
	for part := range strings.SplitSeq(strings.Join(r.Header["Accept"], ","), ",") {
		media, parameters, _ := strings.Cut(part, ";")
		media = strings.ToLower(strings.TrimSpace(media))
		q := 1.0
		for p := range strings.SplitSeq(parameters, ";") {
			q = min(q, quality(p))
		}
		isJSON := media == "application/json" || media == "application/problem+json"
		if (isJSON || media == "text/html" || media == "application/xhtml+xml") && q > best {
			best, json = q, isJSON
		}
	}
	return json
}

// zone returns the zone in which times are shown.
func (v *view) zone(reader session.Info) *time.Location {
	if v.config.TimeZone != nil {
		if zone := v.config.TimeZone(v.r); zone != nil {
			return zone
		}
	}
	name := reader.Location.TimeZone
	if name == "" || name == "Local" {
		return time.UTC
	}
	known, ok := v.zones.Load(name)
	if !ok {
		zone, err := time.LoadLocation(name)
		if err != nil {
			zone = time.UTC
		}
		known, _ = v.zones.LoadOrStore(name, zone)
	}
	return known.(*time.Location)
}
