package pages

import (
	"bytes"
	"html/template"
	"log/slog"
	"net/http"
)

// dress puts the site's own parts around a page. A fault in it costs that part, and not the page.
func (v *view) dress(p *Page) {
	if v.config.Site != nil {
		p.Site = v.site.data(v.r)
	}
	if err := v.fillSlots(p); err != nil {
		v.config.Logger.LogAttrs(v.r.Context(), slog.LevelError, "pages: a template of the site failed", slog.Any("error", err))
	}
}

// data is what Config.Site returns, which runs here: a request must not be used after its end.
func (s *site) data(r *http.Request) (data any) {
	defer func() {
		if p := recover(); p != nil {
			data = nil
			s.config.Logger.LogAttrs(r.Context(), slog.LevelError, "pages: a hook failed", slog.String("hook", "Site"), slog.Any("panic", p))
		}
	}()
	return s.config.Site(r)
}

// fillSlots executes the templates of the site's slots. It returns the last error, and fills the others.
func (s *site) fillSlots(p *Page) (failed error) {
	for name, slot := range map[string]*template.HTML{"head.html": &p.Head, "header.html": &p.Header, "footer.html": &p.Footer} {
		if !s.slots[name] {
			continue
		}
		var b bytes.Buffer
		if err := s.templates.ExecuteTemplate(&b, name, p); err != nil {
			failed = err
			continue
		}
		*slot = template.HTML(b.String())
	}
	return failed
}
