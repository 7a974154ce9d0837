package e2e

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/qsessions/qsessions/adapters/nethttp/pages"
	"github.com/qsessions/qsessions/core/session"
)

// TestRightToLeft: a language that is written from right to left is one file, and nothing on the pages is in another.
func TestRightToLeft(t *testing.T) {
	t.Parallel()
	place := session.Facts{
		Device:   session.Device{Kind: session.KindMobile, Family: "טלפון", OS: session.Product{Name: "מערכת", Major: "16"}, Browser: session.Product{Name: "דפדפן", Major: "150"}},
		Location: session.Location{City: "חיפה", Country: "ישראל", TimeZone: "Asia/Jerusalem"},
	}
	site := newStage(t, func(session.Client) session.Facts { return place }, hebrew(t))
	for range 3 {
		site.add("olga", session.Client{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "דפדפן"}, map[string]any{"ערך": 1})
	}
	p := newTab(t, site.URL, desktop.with(func(d *device) { d.userAgent, d.languages, d.zone = "1", "he", "Asia/Jerusalem" }))
	p.signIn("olga", accountPath)
	if got := eval[string](p, `getComputedStyle(document.body).direction + " " + (document.querySelector("h1").getBoundingClientRect().right > innerWidth / 2)`); got != "rtl true" {
		t.Errorf("got direction %q", got)
	}
	p.wantHebrew("rtl-account")
	p.do(chromedp.Click(chromedp.CSS("li summary")))
	p.wantHebrew("rtl-account-ask")
	p.click("//li//h2/a")
	p.wantHebrew("rtl-session")
	for name, path := range map[string]string{
		"rtl-admin": "", "rtl-admin-search": "?text=1&state=all&kind=users&own=1&ip=192.0.2.0/24", "rtl-charts": "charts",
		"rtl-not-found": "none", "rtl-mistake": "?ip=1",
	} {
		p.open(adminPath + path)
		p.wantHebrew(name)
	}
	p.open(adminPath + "?own=1")
	p.click("//form[@method='post']/button")
	p.wantHebrew("rtl-confirm")
}

// hebrew returns the English texts in Hebrew letters.
func hebrew(t *testing.T) *pages.Language {
	t.Helper()
	w := speak(t, "en")
	for key, text := range w.texts {
		switch text := text.(type) {
		case string:
			w.texts[key] = hebrewLetters(text)
		case map[string]any:
			for form, s := range text {
				text[form] = hebrewLetters(s.(string))
			}
			text["two"] = text["other"]
		}
	}
	b, err := json.Marshal(map[string]any{"tag": "he", "direction": "rtl", "thousands": ",", "texts": w.texts})
	if err != nil {
		t.Fatal(err)
	}
	l, err := pages.ParseLanguage(b)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// hebrewLetters leaves placeholders as they are.
func hebrewLetters(s string) string {
	letters := []rune("אבגדהוזחטיכלמנסעפצקרשת")
	inside := false
	return strings.Map(func(r rune) rune {
		switch {
		case r == '{' || r == '}':
			inside = r == '{'
		case inside:
		case 'a' <= r && r <= 'z':
			return letters[int(r-'a')%len(letters)]
		case 'A' <= r && r <= 'Z':
			return letters[int(r-'A')%len(letters)]
		}
		return r
	}, s)
}

// latin are two letters or more that are no part of an id, a zone, or the user's name.
var latin = regexp.MustCompile(`\b(?:[A-Za-z]{2,})\b`)

// wantHebrew wants no text that the language file does not have.
func (p *tab) wantHebrew(name string) {
	p.t.Helper()
	p.check(name)
	texts := eval[[]string](p, `[
		document.title, document.body.innerText,
		...[...document.querySelectorAll("[aria-label], [title]")].flatMap(e => [e.ariaLabel ?? "", e.title]),
		...[...document.querySelectorAll("title, text")].map(e => e.textContent),
	]`)
	for _, text := range texts {
		for _, word := range latin.FindAllString(text, -1) {
			if word != "olga" && word != "GMT" && !strings.Contains(text, "-"+word) && !strings.Contains(text, word+"-") {
				p.t.Errorf("%s: %q in %.200q is in no language file", name, word, text)
			}
		}
	}
}
