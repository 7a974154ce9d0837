package pages

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
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
	english   *Language         // of what programs are told
	slots     map[string]bool   // of slotNames, those that Config.Templates fills
	assets    map[string]string // the address of each below the mount, by its name
	mux       *http.ServeMux
	api       *http.ServeMux // the same handlers, below api/
	routes    []route        // of api; a test holds openapi.json against them
	zones     sync.Map       // *time.Location, by name
	policy    string         // Content-Security-Policy
	outside   sync.Once      // a request outside the mount has been logged
	below     atomic.Bool    // a request at the mount, or below it, has come
	slashless atomic.Int32   // how many came for the mount without its last slash, before one did
	// place keeps, of the parameters of a list, those that lead back to it.
	place func(url.Values) url.Values
}

// newSite returns a site without pages yet. forms is another origin to which the answer to a form may lead, or "".
func newSite(m *session.Manager, c Config, forms string) (*site, error) {
	s := &site{
		sessions: m, config: c, english: English(), assets: map[string]string{}, mux: http.NewServeMux(), api: http.NewServeMux(),
		policy: c.contentPolicy(forms),
	}
	var err error
	if s.templates, s.slots, err = parseTemplates(c.Templates, c.Funcs); err != nil {
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
		address := "assets/" + name + "-" + hex.EncodeToString(sum[:6]) + "." + extension
		s.assets[f.Name()] = address
		s.mux.HandleFunc(c.Path+address, func(w http.ResponseWriter, r *http.Request) {
			if !s.allow(w, r, http.MethodGet) {
				return
			}
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // the name tells the content
			http.ServeFileFS(w, r, assetFiles, "assets/"+f.Name())
		})
	}
	for _, mux := range []*http.ServeMux{s.mux, s.api} {
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errNoPage) })
	}
	return s, nil
}

// A view is one request to a page.
type view struct {
	*site
	r        *http.Request
	session  session.Session
	language *Language
	json     bool
	home     string // the relative reference to the mount

	describeEnd time.Time // when the enrichers' time for this page is over; zero: they have not begun
}

// A handler answers a request of a user who is signed in. An error is answered by a page.
type handler func(w http.ResponseWriter, v *view) error

// A route is an address of the API.
type route struct {
	method, pattern string
	parameters      []string // that its query may have
}

// get and post mount a handler, with the parameters that a query may have in the API; other methods are answered with 405.
func (s *site) get(pattern string, g guard, h handler, parameters ...string) {
	s.handle(route{http.MethodGet, pattern, parameters}, g, h)
}

func (s *site) post(pattern string, g guard, h handler) {
	s.handle(route{http.MethodPost, pattern, nil}, g, h)
}

func (s *site) handle(t route, g guard, h handler) {
	s.routes = append(s.routes, t)
	f := s.serve(t, g, h)
	s.api.HandleFunc(s.pattern(apiPrefix+t.pattern), f)
	s.mux.HandleFunc(s.pattern(t.pattern), f)
}

// getPage mounts a page that has no JSON.
func (s *site) getPage(pattern string, g guard, h handler) {
	s.mux.HandleFunc(s.pattern(pattern), s.serve(route{http.MethodGet, pattern, nil}, g, h))
}

func (s *site) pattern(pattern string) string {
	pattern = s.config.Path + pattern
	if strings.HasSuffix(pattern, "/") {
		pattern += "{$}"
	}
	return pattern
}

func (s *site) serve(t route, g guard, h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.allow(w, r, t.method) {
			return
		}
		v, err := s.view(r, g)
		if err == nil {
			err = v.checkQuery(t.parameters)
		}
		if err == nil {
			err = h(w, v)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	}
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

// context is that of the request, for enrichers that know the reader's language.
func (v *view) context() context.Context {
	return v.config.Localize(v.r.Context(), v.language.tag)
}

// ServeHTTP implements [http.Handler].
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.secure(w.Header())
	if !s.mounted(w, r) {
		return
	}
	if err := s.sameOrigin(r); err != nil {
		s.fail(w, r, errCrossOrigin)
		return
	}
	if r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	if s.isAPI(r) {
		s.api.ServeHTTP(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// sameOrigin refuses posts of other origins, and all of their requests to the API: no page of theirs has a use for one.
func (s *site) sameOrigin(r *http.Request) error {
	if s.isAPI(r) && (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Sec-Fetch-Site") != "" {
		r = r.WithContext(r.Context())
		r.Method = http.MethodPost // which Check does look at
	}
	return s.config.CrossOrigin.Check(r)
}

// secure lets a page load its own files and the sources of Config alone, be framed by no other, and send forms only home.
// ASVS 5.0 3.4.3 to 3.4.8.
func (s *site) secure(h http.Header) {
	h.Set("Content-Security-Policy", s.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
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
