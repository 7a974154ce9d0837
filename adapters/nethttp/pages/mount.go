package pages

import (
	"cmp"
	"log/slog"
	"net/http"
	"path"
	"strings"
)

// up is the relative reference from the address of r to the mount. All links are relative, so that they stay below whatever
// prefix a proxy has stripped. It is "" where r is for an address outside the mount.
func (s *site) up(r *http.Request) string {
	if !strings.HasPrefix(r.URL.Path, s.config.Path) {
		return ""
	}
	// A browser counts the slashes of the address as it is written: one that is escaped is no level.
	depth := strings.Count(r.URL.EscapedPath(), "/") - strings.Count(s.config.Path, "/")
	return cmp.Or(strings.Repeat("../", max(depth, 0)), "./")
}

// redirect sends the browser to a reference that is relative to its address. http.Redirect would make a path of it, in which
// a prefix that a proxy has stripped is missing.
func redirect(w http.ResponseWriter, to string, status int) {
	w.Header().Set("Location", to)
	w.WriteHeader(status)
}

// errOutside is for the developer, who has mounted the handler at another path than Config.Path.
func (s *site) errOutside() *problem {
	return &problem{name: "not-found", status: http.StatusNotFound, detail: "this handler serves addresses below " + s.config.Path +
		" only: mount it there without stripping a prefix, or set Config.Path to the path that it is given"}
}

// mounted answers requests that no pattern can: for an address outside the mount, for one that is not in its shortest form,
// and for the mount without its last slash. ServeMux would redirect the latter two to paths.
func (s *site) mounted(w http.ResponseWriter, r *http.Request) bool {
	p := r.URL.Path
	switch {
	case p+"/" == s.config.Path, p+"/" == s.config.Path+apiPrefix:
		to := path.Base(p) + "/"
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		if p+"/" == s.config.Path && !s.below.Load() && s.slashless.Add(1) == 2 { // one may be the first visit of all
			s.config.Logger.LogAttrs(r.Context(), slog.LevelWarn, "pages: requests without the slash at the end are redirected, and none has come with it: "+
				"mount the handler at Config.Path and at all below it", slog.String("want", s.config.Path), slog.String("pattern", r.Pattern))
		}
		redirect(w, to, http.StatusTemporaryRedirect)
		return false
	case !strings.HasPrefix(p, s.config.Path):
		s.outside.Do(func() {
			s.config.Logger.LogAttrs(r.Context(), slog.LevelWarn, "pages: the handler is mounted at another path than Config.Path, and answers 404",
				slog.String("want", s.config.Path), slog.String("pattern", r.Pattern)) // the path could hold anything
		})
		s.fail(w, r, s.errOutside())
		return false
	case strings.TrimSuffix(p, "/") != path.Clean(p):
		s.fail(w, r, errNoPage)
		return false
	}
	if !s.below.Load() {
		s.below.Store(true)
	}
	return true
}
