package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/page"
)

// verify fails the test if anything happened that a good page never does.
func (p *tab) verify() {
	p.t.Helper()
	if found := p.happened(); len(found) > 0 {
		p.t.Errorf("%s:\n%s", p.address(), strings.Join(found, "\n"))
	}
}

func (p *tab) address() string {
	p.t.Helper()
	return eval[string](p, "location.href")
}

// happened returns what went wrong since it was last asked for.
func (p *tab) happened() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.problems
	p.problems = nil
	return all
}

// invalid returns the errors in the HTML of the page as it came.
func (p *tab) invalid() []string {
	p.t.Helper()
	html := p.source()
	if html == nil {
		return nil
	}
	errors, err := need(p.t, shared.validator).validate(html)
	if err != nil {
		p.t.Fatal(err)
	}
	return errors
}

// check looks at the page as people see it, and takes a picture. A plain desktop stands for others: in the dark, and on a
// phone.
func (p *tab) check(name string) {
	p.t.Helper()
	p.inspect(name, everything)
	if p.device.plain() {
		p.look(false, true)
		p.inspect(name+"-dark", colors) // what else axe looks at is the same by night
		p.look(true, false)
		p.inspect(name+"-phone", everything)
		p.look(false, false)
	}
	p.verify()
	if errors := p.invalid(); len(errors) > 0 {
		p.t.Errorf("%s:\n%s\n%s", name, strings.Join(errors, "\n"), p.source())
	}
}

func (p *tab) inspect(name, rules string) {
	p.t.Helper()
	if v := p.violations(rules); len(v) > 0 {
		p.t.Errorf("%s:\n%s", name, strings.Join(v, "\n"))
	}
	p.screenshot(name)
}

// What axe is to look for.
const (
	everything = `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]`
	colors     = `["color-contrast"]`
)

// violations returns what people would stumble over: what axe finds, and a page that is wider than the screen.
func (p *tab) violations(rules string) []string {
	p.t.Helper()
	var problems []string
	if !p.device.noScript { // axe is a script; the page differs in nothing that it looks at
		problems = p.axe(rules)
	}
	if width := eval[[2]int](p, "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"); width[0] > width[1] {
		problems = append(problems, fmt.Sprintf("width: the page takes %d pixels of %d", width[0], width[1]))
	}
	return problems
}

func (p *tab) axe(rules string) (problems []string) {
	p.t.Helper()
	eval[any](p, "if (!globalThis.axe) {"+need(p.t, shared.axe)+"}")
	all := eval[[]struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML, FailureSummary string }
	}](p, `axe.run(document, {runOnly: `+rules+`, resultTypes: ["violations"]}).then(r => r.violations)`)
	for _, v := range all {
		for _, n := range v.Nodes {
			problems = append(problems, fmt.Sprintf("axe: %s (%s): %s\n\t%s\n\t%s", v.ID, v.Impact, v.Help, n.HTML, strings.ReplaceAll(n.FailureSummary, "\n", "\n\t")))
		}
	}
	return problems
}

// screenshot takes a picture of the page, of a long one only the beginning.
func (p *tab) screenshot(name string) {
	p.t.Helper()
	// Chromium's picture beyond the screen is shifted where pages are read from right to left.
	p.height(min(eval[int64](p, "document.documentElement.scrollHeight"), 2000))
	defer p.height(0)
	r := call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{})
	if err := os.WriteFile(filepath.Join(screenshotDir(p.t), name+".png"), r.Data, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
