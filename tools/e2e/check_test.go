package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
)

// verify fails the test if anything is wrong with the page that any test may load.
func (p *tab) verify() {
	p.t.Helper()
	if found := p.found(); len(found) > 0 {
		p.t.Errorf("%s:\n%s\n%s", p.address(), strings.Join(found, "\n"), p.source())
	}
}

func (p *tab) address() string { return eval[string](p, "location.href") }

// found returns what is wrong with the page that was loaded last, and with what happened since it was last asked for.
func (p *tab) found() []string {
	p.t.Helper()
	html := p.source()
	p.mu.Lock()
	all := p.problems
	p.problems = nil
	p.mu.Unlock()
	if html == nil {
		return all
	}
	invalid, err := need(p.t, shared.validator).validate(html)
	if err != nil {
		p.t.Fatal(err)
	}
	return append(all, invalid...)
}

// check looks at the page as different people see it: light and dark, on a desktop and on a phone. It takes a picture of each.
func (p *tab) check(name string) {
	p.t.Helper()
	for _, look := range []struct {
		name        string
		phone, dark bool
	}{
		{"light", false, false}, {"dark", false, true}, {"phone", true, false}, {"phone-dark", true, true},
	} {
		p.look(look.phone, look.dark)
		if v := p.violations(); len(v) > 0 {
			p.t.Errorf("%s, %s:\n%s", name, look.name, strings.Join(v, "\n"))
		}
		p.screenshot(name + "-" + look.name)
	}
	p.look(p.device.phone, p.device.dark)
	p.verify()
}

// violations returns what people would stumble over: what axe finds, and a page that is wider than the screen.
func (p *tab) violations() []string {
	p.t.Helper()
	const rules = `{
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"],
		resultTypes: ["violations"],
	}`
	if p.device.noScript { // axe needs timers; scripts that the page did not run stay so
		call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false})
		defer call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	}
	eval[any](p, "if (!globalThis.axe) {"+need(p.t, shared.axe)+"}")
	all := eval[[]struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML, FailureSummary string }
	}](p, "axe.run(document, "+rules+").then(r => r.violations)")
	var problems []string
	for _, v := range all {
		for _, n := range v.Nodes {
			problems = append(problems, fmt.Sprintf("axe: %s (%s): %s\n\t%s\n\t%s", v.ID, v.Impact, v.Help, n.HTML, strings.ReplaceAll(n.FailureSummary, "\n", "\n\t")))
		}
	}
	if width := eval[[2]int](p, "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"); width[0] > width[1] {
		problems = append(problems, fmt.Sprintf("width: the page takes %d pixels of %d", width[0], width[1]))
	}
	return problems
}

// screenshot takes a picture of the whole page.
func (p *tab) screenshot(name string) {
	p.t.Helper()
	r := call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: new(true)})
	if err := os.WriteFile(filepath.Join(screenshotDir(p.t), name+".png"), r.Data, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
