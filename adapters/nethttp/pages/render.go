package pages

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
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

// slotNames are templates that are not there unless Config.Templates has them.
var slotNames = []string{"head.html", "header.html", "footer.html"}

// parseTemplates reads the templates of this package, and over them those of replace. filled are the slots that those fill.
func parseTemplates(replace fs.FS, funcs template.FuncMap) (all *template.Template, filled map[string]bool, err error) {
	own, err := fs.Sub(templateFiles, "templates")
	if err != nil {
		return nil, nil, err
	}
	// Funcs panics for a name that is no identifier, or that has no function.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("pages: Config.Funcs: %v", p)
		}
	}()
	all, err = template.New("").Funcs(funcs).ParseFS(own, templateNames...)
	if err != nil || replace == nil {
		return all, nil, err
	}
	names, err := fs.Glob(replace, "*.html")
	if err != nil {
		return nil, nil, fmt.Errorf("pages: Config.Templates: %w", err)
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("pages: Config.Templates has no file *.html")
	}
	filled = map[string]bool{}
	for _, name := range names {
		slot := slices.Contains(slotNames, name)
		if !slot && !slices.Contains(templateNames, name) {
			return nil, nil, fmt.Errorf("pages: Config.Templates: %s is no template's name: they are %v", name, slices.Concat(templateNames, slotNames))
		}
		if _, err := all.ParseFS(replace, name); err != nil {
			return nil, nil, fmt.Errorf("pages: Config.Templates: %w", err)
		}
		filled[name] = slot
	}
	return all, filled, nil
}

// A Page is what a template is given. Its methods are for templates: texts, times and numbers in the reader's language.
type Page struct {
	Title    string
	Text     string // of an error
	SignIn   string // the address of the sign-in page: of an error, and where ending other sessions asks for a fresh sign-in
	Back     string // the address of the list, for an error that its reader may see it after
	Notice   string // what the last action did
	Home     string // the relative reference to Config.Path, to which names can be added: "./" or "../"; "" outside of it
	From     string // the parameters of the list that the page was opened from; forms and links carry it on as "from"
	Links    []Link // of Config
	Style    string // the address of the style sheet
	Site     any    // what Config.Site returned
	Icon     string // the address of the icon
	Script   string // the address of the script
	Language string // its tag
	Dir      string // "ltr" or "rtl"
	Theme    string // "light", "dark", or "": as the reader's system is set
	Admin    bool
	User     string        // the ID of the user who is signed in
	Data     any           // of the page: an AccountData, AdminData, SessionData, ConfirmData, ProgressData or ChartsData
	Request  *http.Request // nothing of it may be changed; it has the session's cookie, which belongs on no page

	// The output of the site's own templates for this page.
	Head, Header, Footer template.HTML
	StyleSheet           string // Config.StyleSheet

	language *Language
	now      time.Time
	zone     *time.Location
	people   map[string]Person
	named    bool // Config.Names is there
}

// page returns a page about nothing yet.
func (v *view) page(title string, data any) *Page {
	p := &Page{
		Title: v.language.text(title), Home: v.home, From: v.from(), Links: v.config.Links, StyleSheet: v.config.StyleSheet, Icon: v.config.Icon,
		Language: v.language.tag, Dir: v.language.direction, Data: data, Request: v.r,
		language: v.language, now: time.Now(), zone: time.UTC, named: v.config.Names != nil,
	}
	if v.home != "" { // else a browser would look for them in the wrong place
		p.Style, p.Script = v.home+v.assets["style.css"], v.home+v.assets["times.js"]
		p.Icon = cmp.Or(p.Icon, v.home+v.assets["icon.svg"])
	}
	if v.config.Theme != nil {
		if theme := v.config.Theme(v.r); theme == "light" || theme == "dark" {
			p.Theme = theme
		}
	}
	if v.session != nil {
		p.User = v.session.User()
	}
	return p
}

// Here is the address of this page, without the input of its forms.
func (p *Page) Here() string {
	if p.Request.Method != http.MethodGet || p.Home != "./" {
		return p.List()
	}
	if s, ok := p.Data.(SessionData); ok {
		return p.sessionLink(s.Session.ID)
	}
	return p.List()
}

func (p *Page) sessionLink(id session.ID) string {
	if p.From == "" {
		return p.Home + id.String()
	}
	return p.Home + id.String() + "?" + url.Values{"from": {p.From}}.Encode()
}

// List is the address of the list that the page was opened from.
func (p *Page) List() string {
	if p.From == "" {
		return p.Home
	}
	return p.Home + "?" + p.From
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

// Device is a device in a few words: "Chrome on Android", what of it is known, or "".
func (p *Page) Device(d session.Device) string {
	short := d.Short()
	if browser, ok := strings.CutSuffix(short, " on "+d.OS.Name); ok && d.OS.Name != "" {
		return p.T("device.on", "browser", browser, "os", d.OS.Name)
	}
	return short
}

// DeviceName is the device of a session as HTML, or its User-Agent where the device is not known. Names in it keep their own
// direction, and do not turn the words between them around.
func (p *Page) DeviceName(i session.Info) template.HTML {
	d := i.Device
	browser, ok := strings.CutSuffix(d.Short(), " on "+d.OS.Name)
	if !ok || d.OS.Name == "" || p.Dir != "rtl" {
		return isolated(p.Show(cmp.Or(p.Device(d), i.UserAgent, p.T("unknown-device"))))
	}
	// The text is the language's own; what stands for its placeholders is the client's.
	text := template.HTMLEscapeString(p.T("device.on"))
	text = fill(text, []string{"browser", string(isolated(p.Show(browser))), "os", string(isolated(p.Show(d.OS.Name)))})
	return template.HTML(`<bdi dir="rtl">` + text + `</bdi>`)
}

func isolated(s string) template.HTML {
	return template.HTML("<bdi>" + template.HTMLEscapeString(s) + "</bdi>")
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
func (v *view) render(w http.ResponseWriter, status int, name string, p *Page) error {
	v.dress(p)
	var b bytes.Buffer
	if err := v.templates.ExecuteTemplate(&b, name, p); err != nil {
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
