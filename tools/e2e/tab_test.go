package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A device is what a site knows of the browser, and how it is used.
type device struct {
	userAgent string
	hints     *emulation.UserAgentMetadata
	phone     bool
	dark      bool
	noScript  bool
	languages string // default: en
	zone      string // default: UTC
}

var (
	desktop = device{userAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"}
	iPhone  = device{userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1", phone: true}
	android = device{
		userAgent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36", phone: true,
		hints: &emulation.UserAgentMetadata{
			Brands: []*emulation.UserAgentBrandVersion{{Brand: "Chromium", Version: "150"}}, Platform: "Android", PlatformVersion: "16.0.0", Model: "Pixel 9", Mobile: true,
		},
	}
)

// with returns a device that is another one in something.
func (d device) with(change func(*device)) device {
	change(&d)
	return d
}

// plain is a desktop by day.
func (d device) plain() bool { return !d.phone && !d.dark && !d.noScript && d.languages == "" }

// A tab is a page in a browser profile of its own: nobody shares its cookies.
type tab struct {
	t      *testing.T
	ctx    context.Context
	origin string
	device device
	phone  bool  // it looks like one now
	wide   int64 // it is so wide now; 0: as usual
	bad    bool  // its test is about the faults it has

	navigated chan page.NavigationType // how each page came to be shown; later ones are dropped while it is full

	mu       sync.Mutex
	document network.RequestID // of the page that is shown
	response *network.Response
	problems []string // since they were last asked for
}

// newTab opens an empty page in a new profile for a site.
func newTab(t *testing.T, origin string, d device) *tab {
	t.Helper()
	p := &tab{t: t, origin: origin, device: d, navigated: make(chan page.NavigationType, 100)}
	ctx, cancel := chromedp.NewContext(need(t, shared.browser), chromedp.WithNewBrowserContext(), chromedp.WithListener(p.observe))
	t.Cleanup(func() {
		cancel()
		if len(p.problems) > 0 && !p.bad {
			t.Errorf("after the last look: %s", strings.Join(p.problems, "\n"))
		}
	})
	if err := chromedp.Do(ctx); err != nil { // the page lives as long as this context
		t.Fatal(err)
	}
	p.ctx = ctx
	language := "en"
	if d.languages != "" {
		language, _, _ = strings.Cut(d.languages, ",")
	}
	call(p, audits.Enable, cdp.Empty{})
	call(p, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
		UserAgent: d.userAgent, AcceptLanguage: orElse(d.languages, "en"), UserAgentMetadata: d.hints,
	})
	call(p, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: language})
	call(p, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: orElse(d.zone, "UTC")})
	call(p, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: d.noScript})
	p.look(d.phone, d.dark)
	return p
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// look makes the page a phone's or a desktop's, light or dark.
func (p *tab) look(phone, dark bool) {
	p.t.Helper()
	p.phone = phone
	p.height(0)
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
}

// height makes the screen so high; 0 is as usual.
func (p *tab) height(n int64) {
	p.t.Helper()
	switch {
	case p.wide > 0:
		p.do(chromedp.EmulateViewport(p.wide, max(n, 800)))
	case p.phone:
		p.do(chromedp.EmulateViewport(390, max(n, 844), chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait))
	default:
		p.do(chromedp.EmulateViewport(1280, max(n, 800)))
	}
}

// observe notes what a good page never does. It runs between the messages of the browser.
func (p *tab) observe(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	problem := func(format string, arg ...any) { p.problems = append(p.problems, fmt.Sprintf(format, arg...)) }
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.Type == network.ResourceTypeDocument {
			p.document, p.response = e.RequestID, nil
		}
		if !strings.HasPrefix(e.Request.URL, p.origin+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
			problem("request: %s leaves the origin", e.Request.URL)
		}
	case *network.EventResponseReceived:
		if e.RequestID == p.document {
			p.response = e.Response
		} else if e.Response.Status >= 400 && e.Response.URL != p.origin+"/favicon.ico" { // which no page asks for
			problem("request: %s answers %d", e.Response.URL, e.Response.Status)
		}
	case *page.EventFrameNavigated:
		if e.Frame.ParentID == "" && e.Type == page.NavigationTypeBackForwardCacheRestore {
			p.shown(e.Type)
		}
	case *page.EventLoadEventFired: // not of a page that is shown again
		p.shown(page.NavigationTypeNavigation)
	case *page.EventJavascriptDialogOpening:
		problem("dialog: %s", e.Message)
		go func() { // ends with the page; here nothing can be sent
			_, _ = chromedp.Call(p.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}()
	case *runtime.EventExceptionThrown:
		problem("exception: %s", (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		args, _ := json.Marshal(e.Args)
		problem("console: %s %s", e.Type, args)
	case *log.EventEntryAdded:
		// The status of a page is its test's business, and what it loads is looked at above.
		if e.Entry.Source != log.EntrySourceNetwork && (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) {
			problem("browser: %s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		details, _ := json.Marshal(e.Issue.Details)
		problem("issue: %s %s", e.Issue.Code, details)
	}
}

func (p *tab) shown(how page.NavigationType) {
	select {
	case p.navigated <- how:
	default:
	}
}

// do runs actions, and fails the test if they take too long.
func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("%v\n%s", err, p.where())
	}
}

func call[P, R any](p *tab, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, command, params)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.where())
	}
	return r
}

// where describes the page for a failure.
func (p *tab) where() string {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	location, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	return "at " + location + ":\n" + string(p.source())
}

// eval returns the value of an expression, which may be a promise. The page's own scripts do not see it: it runs in a world
// beside theirs, which the page's policy does not bind either.
func eval[T any](p *tab, expression string) (v T) {
	p.t.Helper()
	frames := call(p, page.GetFrameTree, cdp.Empty{})
	world := call(p, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: frames.FrameTree.Frame.ID, WorldName: "e2e"})
	r := call(p, runtime.Evaluate, runtime.EvaluateParams{
		Expression: expression, ContextID: world.ExecutionContextID, ReturnByValue: new(true), AwaitPromise: new(true),
	})
	if r.ExceptionDetails != nil {
		p.t.Fatalf("%.200s: %v", expression, &chromedp.ExceptionError{ExceptionDetails: r.ExceptionDetails})
	}
	if len(r.Result.Value) > 0 {
		if err := json.Unmarshal(r.Result.Value, &v); err != nil {
			p.t.Fatalf("%.200s: %v", expression, err)
		}
	}
	return v
}

// open goes to a path of the site, and returns the status.
func (p *tab) open(path string) int {
	p.t.Helper()
	return p.load(chromedp.Navigate(p.origin + path))
}

// click goes where a link or a button leads, and returns the status.
func (p *tab) click(sel string) int {
	p.t.Helper()
	return p.load(chromedp.Click(chromedp.Search(sel), chromedp.NodeVisible))
}

// load runs what loads a page, and fails the test if anything happens that a good page never does.
func (p *tab) load(action chromedp.Action[chromedp.Void]) int {
	p.t.Helper()
	status := p.visit(action)
	p.verify()
	return status
}

// visit is load without a check.
func (p *tab) visit(action chromedp.Action[chromedp.Void]) int {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, action)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.where())
	}
	return int(response.Status)
}

// source returns the page as it came over the wire, if it is HTML.
func (p *tab) source() []byte {
	p.mu.Lock()
	id, response := p.document, p.response
	p.mu.Unlock()
	if response == nil || response.MimeType != "text/html" {
		return nil
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, network.GetResponseBody, network.GetResponseBodyParams{RequestID: id})
	if err != nil {
		return []byte(err.Error())
	}
	return r.Body
}

// texts returns the text of all that a CSS selector finds, as it is shown.
func (p *tab) texts(sel string) []string {
	p.t.Helper()
	return eval[[]string](p, fmt.Sprintf("[...document.querySelectorAll(%q)].map(e => e.innerText.trim())", sel))
}

// button is a selector for the button with a text.
func button(text string) string { return fmt.Sprintf("//button[normalize-space()=%q]", text) }

// link is a selector for the link with a text.
func link(text string) string { return fmt.Sprintf("//a[normalize-space()=%q]", text) }
