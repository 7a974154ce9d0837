package pages

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

//go:embed templates
var templateFiles embed.FS

// templateNames are the pages; layout.html has what they share.
var templateNames = []string{
	"layout.html", "account.html", "session.html", "admin.html", "confirm.html", "progress.html", "charts.html", "error.html",
}

// parseTemplates reads the templates of this package, and over them those of replace.
func parseTemplates(replace fs.FS) (*template.Template, error) {
	own, err := fs.Sub(templateFiles, "templates")
	if err != nil {
		return nil, err
	}
	all, err := template.ParseFS(own, templateNames...)
	if err != nil {
		return nil, err
	}
	if replace == nil {
		return all, nil
	}
	names, err := fs.Glob(replace, "*.html")
	if err != nil {
		return nil, fmt.Errorf("pages: Config.Templates: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("pages: Config.Templates has no file *.html")
	}
	for _, name := range names {
		if !slices.Contains(templateNames, name) {
			return nil, fmt.Errorf("pages: Config.Templates: %s is no template's name: they are %v", name, templateNames)
		}
		if _, err := all.ParseFS(replace, name); err != nil {
			return nil, fmt.Errorf("pages: Config.Templates: %w", err)
		}
	}
	return all, nil
}

// A Page is what a template is given. Its methods are for templates: texts, times and numbers in the reader's language.
type Page struct {
	Title    string
	Text     string // of an error
	SignIn   string // the address of the sign-in page: of an error, and where ending other sessions asks for a fresh sign-in
	Back     string // the address of the list, for an error of whoever may see it
	Notice   string // what the last action did
	Home     string // Config.Path
	Links    []Link // of Config
	Style    string // the address of the style sheet
	Script   string // the address of the script
	Language string // its tag
	Dir      string // "ltr" or "rtl"
	Admin    bool
	User     string // who is signed in
	Data     any    // of the page: an AccountData, AdminData, SessionData, ConfirmData, ProgressData or ChartsData

	language *Language
	now      time.Time
	zone     *time.Location
}

// page returns a page about nothing yet.
func (v *view) page(title string, data any) *Page {
	p := &Page{
		Title: v.language.text(title), Home: v.config.Path, Links: v.config.Links, Style: v.assets["style.css"], Script: v.assets["times.js"],
		Language: v.language.tag, Dir: v.language.direction, Data: data,
		language: v.language, now: time.Now(), zone: time.UTC,
	}
	if v.session != nil {
		p.User = v.session.User()
	}
	return p
}

// T returns a text. What follows the key are placeholders and what stands for them.
func (p *Page) T(key string, pairs ...string) string { return p.language.text(key, pairs...) }

// N returns the form of a text for n, which stands for its placeholder {n}.
func (p *Page) N(key string, n int, pairs ...string) string {
	return p.language.number(key, n, pairs...)
}

// Digits writes a number.
func (p *Page) Digits(n int) string { return p.language.digits(n) }

// Exact is a time to the second, in the reader's zone.
func (p *Page) Exact(t time.Time) string { return t.In(p.zone).Format("2006-01-02 15:04:05 MST") }

// Time makes the template "time" show t in words, or exactly.
func (p *Page) Time(t time.Time, exact bool) Time {
	return Time{Machine: p.Machine(t), Exact: p.Exact(t), Words: p.Relative(t), Whole: exact}
}

// A Time is what the template "time" is given.
type Time struct {
	Machine string // for programs
	Exact   string // to the second, in the reader's zone
	Words   string // "3 minutes ago"
	Whole   bool   // it is to be shown exactly
}

// Show makes what does not show itself visible: control characters, and those that turn the direction of text around.
// Everything that a client, or a user, has chosen goes through it.
func (p *Page) Show(s string) string { return visible(s) }

// Machine is a time for programs.
func (p *Page) Machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Relative is a time in words: "3 minutes ago", "in 2 days".
func (p *Page) Relative(t time.Time) string {
	d, when := p.now.Sub(t), "time.ago."
	if d < 0 {
		d, when = t.Sub(p.now), "time.in."
	}
	switch {
	case d < time.Minute:
		return p.T(when + "now")
	case d < time.Hour:
		return p.N(when+"minutes", int(d/time.Minute))
	case d < 48*time.Hour:
		return p.N(when+"hours", int(d/time.Hour))
	}
	return p.N(when+"days", int(d/(24*time.Hour)))
}

// Device is a device in a few words: "Chrome on Android", what of it is known, or "".
func (p *Page) Device(d session.Device) string {
	short := d.Short()
	if browser, ok := strings.CutSuffix(short, " on "+d.OS.Name); ok && d.OS.Name != "" {
		return p.T("device.on", "browser", browser, "os", d.OS.Name)
	}
	return short
}

// Kind is the kind of a device, in words.
func (p *Page) Kind(k session.DeviceKind) string {
	key := "device." + string(k)
	if _, ok := p.language.texts[key]; !ok {
		key = "device.unknown"
	}
	return p.T(key)
}

// render makes the whole page before the response begins: a fault of a template is an error page, not half a page.
func (s *site) render(w http.ResponseWriter, status int, name string, p *Page) error {
	var b bytes.Buffer
	if err := s.templates.ExecuteTemplate(&b, name, p); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", p.Language)
	vary(w)
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client has gone, or the session could not be committed: both are dealt with
	return nil
}

// vary names what the form of a response depends on.
func vary(w http.ResponseWriter) {
	w.Header().Add("Vary", "Accept, Accept-Language")
}

func (v *view) writeJSON(w http.ResponseWriter, status int, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	vary(w)
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
	return nil
}
