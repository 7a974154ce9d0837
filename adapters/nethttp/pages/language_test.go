package pages

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// file is the file of a shipped language, as a map that a test changes.
func file(t testing.TB, tag string) map[string]any {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(must(languageFiles.ReadFile("languages/"+tag+".json")), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// written is a file with other texts. A nil one is left out.
func written(t testing.TB, tag, direction string, texts map[string]any) []byte {
	t.Helper()
	all := file(t, "en")
	all["tag"], all["direction"] = tag, direction
	for key, text := range texts {
		if text == nil {
			delete(all["texts"].(map[string]any), key)
			continue
		}
		all["texts"].(map[string]any)[key] = text
	}
	return must(json.Marshal(all))
}

// TestShippedLanguages wants the languages of this package to pass what others have to, and nothing left in English.
func TestShippedLanguages(t *testing.T) {
	files := must(languageFiles.ReadDir("languages"))
	if len(files) != 2 {
		t.Errorf("%d languages: English, German and %v", len(files), files)
	}
	for _, f := range files {
		l, err := ParseLanguage(must(languageFiles.ReadFile("languages/" + f.Name())))
		if err != nil || l.tag+".json" != f.Name() {
			t.Errorf("%s: %v", f.Name(), err)
		}
	}
	english, german := English(), German()
	same := 0
	for _, key := range slices.Sorted(maps.Keys(english.texts)) {
		if maps.Equal(english.texts[key], german.texts[key]) {
			same++
		}
	}
	if same > 12 { // "Browser", "Name" …
		t.Errorf("%d texts are the same in German", same)
	}
}

// TestParseLanguageWrong wants an error that names what is wrong with a file.
func TestParseLanguageWrong(t *testing.T) {
	for name, c := range map[string]struct {
		want, tag, direction string
		texts                map[string]any
	}{
		"no tag":             {"tag", "", "ltr", nil},
		"a tag of markup":    {"tag", `"><script>`, "ltr", nil},
		"an underscore":      {"tag", "de_AT", "ltr", nil},
		"dashes":             {"tag", "de--AT", "ltr", nil},
		"a dash":             {"tag", "-", "ltr", nil},
		"x of nothing":       {"tag", "en-x", "ltr", nil},
		"an unknown rule":    {`how "br" counts is not known`, "br", "ltr", map[string]any{"bytes": map[string]string{"one": "{n}", "two": "{n}", "other": "{n}"}}},
		"one letter":         {"tag", "x", "ltr", nil},
		"no direction":       {"direction", "de", "", nil},
		"another direction":  {"direction", "de", "ttb", nil},
		"missing":            {`"skip"`, "de", "ltr", map[string]any{"skip": nil}},
		"null":               {`"skip"`, "de", "ltr", map[string]any{"skip": json.RawMessage("null")}},
		"empty":              {`"skip"`, "de", "ltr", map[string]any{"skip": ""}},
		"blank":              {`"skip"`, "de", "ltr", map[string]any{"skip": " "}},
		"no forms":           {`"bytes"`, "de", "ltr", map[string]any{"bytes": map[string]string{}}},
		"unknown":            {`"skipp"`, "de", "ltr", map[string]any{"skipp": "x"}},
		"lacks a form":       {`"bytes" lacks the plural form "one"`, "de", "ltr", map[string]any{"bytes": "{n} Bytes"}},
		"lacks other":        {`"bytes" lacks the plural form "other"`, "de", "ltr", map[string]any{"bytes": map[string]string{"one": "ein Byte"}}},
		"misspells a form":   {`"bytes" lacks the plural form "one"`, "de", "ltr", map[string]any{"bytes": map[string]string{"One": "ein Byte", "other": "{n}"}}},
		"lacks {n}":          {`"bytes" lacks the placeholder {n}`, "de", "ltr", map[string]any{"bytes": map[string]string{"one": "ein Byte", "other": "Bytes"}}},
		"lacks {n} for many": {`"bytes" lacks the placeholder {n}`, "fr", "ltr", map[string]any{"bytes": map[string]string{"one": "un octet", "other": "{n}"}}}, // 0 too
		"lacks {pages}":      {`"page-of" lacks the placeholder {pages}`, "de", "ltr", map[string]any{"page-of": "Seite {page}"}},
		"has {seite}":        {`"page-of" has the placeholder {seite}`, "de", "ltr", map[string]any{"page-of": "Seite {page} von {pages} {seite}"}},
		"has {n}":            {`"skip" has the placeholder {n}`, "de", "ltr", map[string]any{"skip": "x {n}"}},
		"a number":           {"texts", "de", "ltr", map[string]any{"skip": 7}},
		"a list":             {"texts", "de", "ltr", map[string]any{"skip": []string{"x"}}},
	} {
		l, err := ParseLanguage(written(t, c.tag, c.direction, c.texts))
		if err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(c.want, "s")) && name != "a number" && name != "a list" {
			t.Errorf("%s: got %v, %v, want an error with %s", name, l, err, c.want)
		}
	}
	for _, text := range []string{"", "{}", "[]", "null", `"x"`, "{", `{"tag":"de","direction":"ltr"}`, string(written(t, "de", "ltr", nil)) + "x"} {
		if l, err := ParseLanguage([]byte(text)); err == nil {
			t.Errorf("%.20q: got %v", text, l)
		}
	}
	if _, err := ParseLanguage(written(t, "zh-Hant-TW", "ltr", map[string]any{})); err != nil {
		t.Errorf("zh-Hant-TW: %v", err)
	}
}

// TestRightToLeft wants a page in a language that goes from right to left to say so, with what clients say kept apart.
func TestRightToLeft(t *testing.T) {
	persian := must(ParseLanguage(inAllForms(t, "fa", "rtl", map[string]any{"account.title": "نشست های شما"})))
	f := start(t, options{account: AccountConfig{Config: Config{Languages: []*Language{persian, English()}}}})
	b := f.browser(t, "Firefox")
	b.signIn("alice")
	a := b.get(accountPath)
	a.want(t, http.StatusOK, `<html lang="fa" dir="rtl">`, "نشست های شما", "<bdi>Firefox</bdi>", "<bdi>alice</bdi>")
	if a.header.Get("Content-Language") != "fa" {
		t.Errorf("headers %v", a.header)
	}
	b.header.Set("Accept-Language", "en")
	b.get(accountPath).want(t, http.StatusOK, `<html lang="en" dir="ltr">`)
}

// TestChooseLanguage matches as RFC 4647, section 3.4, and RFC 9110, section 12.5.4, have it.
func TestChooseLanguage(t *testing.T) {
	brazilian := must(ParseLanguage(inAllForms(t, "pt-BR", "ltr", nil)))
	c := Config{Languages: []*Language{English(), German(), brazilian}}
	for header, want := range map[string]string{
		"": "en", "de": "de", "DE": "de", "de-AT": "de", "de-AT-1996": "de", "fr": "en", "fr, de": "de", "fr;q=1, de;q=0.1": "de",
		"en;q=0.5, de;q=0.8": "de", "en;q=0.8,de;q=0.5": "en", "de;q=0": "en", "de;q=0, en;q=0": "en", "*": "en", "de;q=0.5, *": "de",
		"pt": "en", "pt-BR": "pt-BR", "pt-br, de": "pt-BR", "pt-PT, de;q=0.5": "de", " de ; q=1 ": "de", "de;Q=1": "de", "de;q=x, en": "en",
		"de;q=2, en;q=0.1": "en", "de;q=-1": "en", "de;q=NaN, en;q=0.1": "en", "deu": "en", "-de": "en", "de-": "de", ",,,de": "de", "de\x00": "en",
		strings.Repeat("x,", 50) + "de":         "en",
		strings.Repeat("a-", 100_000) + "a, de": "de",
	} {
		if got := c.choose(&http.Request{Header: http.Header{"Accept-Language": {header}}}).tag; got != want {
			t.Errorf("%.40q: got %s, want %s", header, got, want)
		}
	}
	r := &http.Request{Header: http.Header{"Accept-Language": {"de"}}}
	for own, want := range map[string]string{"pt-BR": "pt-BR", "en-GB": "en", "": "de", "xx": "de", "<script>": "de"} {
		c.Language = func(*http.Request) string { return own }
		if got := c.choose(r).tag; got != want {
			t.Errorf("Config.Language %q: got %s, want %s", own, got, want)
		}
	}
}

// inAllForms is the English file in another language, with all the forms that it has, but for some texts.
func inAllForms(t testing.TB, tag, direction string, texts map[string]any) []byte {
	t.Helper()
	all := maps.Clone(texts)
	if all == nil {
		all = map[string]any{}
	}
	for key, f := range English().texts {
		if len(f) > 1 {
			forms := map[string]string{}
			for _, category := range plurals(tag).categories {
				forms[category] = f["other"]
			}
			all[key] = forms
		}
	}
	return written(t, tag, direction, all)
}

// TestPlurals holds the rules against the samples of Unicode CLDR, "Language Plural Rules", for whole numbers.
func TestPlurals(t *testing.T) {
	for tags, samples := range map[string]string{
		"en de nl sv it es tr hu el fi bg pt-PT": "one:1 other:0,2,11,21,100,101,1000",
		"ja zh ko vi th id ms zh-Hant":           "other:0,1,2,11,21,100",
		"fr pt pt-BR hy fa hi bn am gu zu":       "one:0,1 other:2,11,17,100,1000",
		"ru uk be":                               "one:1,21,31,101,1001 few:2,3,4,22,24,32,102 many:0,5,11,12,13,14,19,100,111,112,1000",
		"sr hr bs":                               "one:1,21,101 few:2,3,4,22,102 other:0,5,11,12,14,19,100,111",
		"pl":                                     "one:1 few:2,4,22,24,102 many:0,5,11,12,14,19,21,31,100,101,111,112",
		"cs sk":                                  "one:1 few:2,3,4 other:0,5,11,12,22,100,102",
		"sl":                                     "one:1,101,201 two:2,102 few:3,4,103,104 other:0,5,11,12,19,100,105",
		"he iw":                                  "one:1 two:2 other:0,3,10,17,20,100,102",
		"ar":                                     "zero:0 one:1 two:2 few:3,10,103,110 many:11,26,99,111,199 other:100,101,102,200,202,1000",
		"ro":                                     "one:1 few:0,2,16,19,101,119 other:20,35,100,120,1000",
		"lt":                                     "one:1,21,31,101 few:2,9,22,102 other:0,10,11,12,19,20,100,111",
		"lv":                                     "zero:0,10,11,20,30,100,111 one:1,21,101 other:2,9,22,102",
		"ga":                                     "one:1 two:2 few:3,6 many:7,10 other:0,11,20,101,1000",
		"cy":                                     "zero:0 one:1 two:2 few:3 many:6 other:4,5,7,10,11,103,1000",
		"gd":                                     "one:1,11 two:2,12 few:3,10,13,19 other:0,20,101,111,1000",
		"mt":                                     "one:1 two:2 few:0,3,10,103,109 many:11,19,111,117 other:20,35,100,101,102,1000",
		"is mk":                                  "one:1,21,31,101 other:0,2,11,16,100,111",
	} {
		for tag := range strings.FieldsSeq(tags) {
			rule, seen := plurals(tag), []string{}
			for sample := range strings.FieldsSeq(samples) {
				category, numbers, _ := strings.Cut(sample, ":")
				seen = append(seen, category)
				for number := range strings.SplitSeq(numbers, ",") {
					var n int
					_ = must(fmt.Sscan(number, &n))
					if got := rule.category(n); got != category {
						t.Errorf("%s: %d is %s, want %s", tag, n, got, category)
					}
				}
			}
			for n := range 1200 {
				if !slices.Contains(rule.categories, rule.category(n)) {
					t.Errorf("%s: %d is %s, which no text needs to have", tag, n, rule.category(n))
				}
			}
			for _, category := range seen {
				if !slices.Contains(rule.categories, category) {
					t.Errorf("%s lacks %s", tag, category)
				}
			}
			if _, err := ParseLanguage(inAllForms(t, tag, "ltr", nil)); err != nil {
				t.Errorf("%s: %v", tag, err)
			}
		}
	}
}

// TestWords: PAG-11. Times in words are rounded, and days are those of the reader's calendar; numbers at the edges.
func TestWords(t *testing.T) {
	now := time.Date(2026, 3, 4, 14, 0, 0, 0, time.UTC)
	p := &Page{language: English(), now: now, zone: time.UTC}
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		0: "just now", 29 * time.Second: "just now", 30 * time.Second: "1 minute ago", time.Minute: "1 minute ago", 90*time.Second - 1: "1 minute ago",
		2*time.Minute - 1: "2 minutes ago", 59*time.Minute + 29*time.Second: "59 minutes ago", time.Hour - 1: "1 hour ago", time.Hour: "1 hour ago",
		90*time.Minute - 1: "1 hour ago", 2*time.Hour - 1: "2 hours ago", 23 * time.Hour: "23 hours ago", day: "yesterday", 34 * time.Hour: "yesterday",
		38 * time.Hour: "yesterday", 38*time.Hour + 1: "2 days ago", 3 * day: "3 days ago", 1200 * day: "1,200 days ago",
		-1: "in less than a minute", -29 * time.Second: "in less than a minute", -time.Minute: "in 1 minute", -30*time.Minute + time.Second: "in 30 minutes",
		-time.Hour + 1: "in 1 hour", -time.Hour: "in 1 hour", -33 * time.Hour: "tomorrow", -34 * time.Hour: "in 2 days", -30*day + time.Hour: "in 30 days",
	} {
		if got := p.Relative(now.Add(-d)); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
	p.now = time.Date(2026, 3, 4, 23, 50, 0, 0, time.UTC)
	if got := p.Relative(p.now.Add(-23*time.Hour - 40*time.Minute)); got != "24 hours ago" { // of the same day
		t.Errorf("got %q", got)
	}
	p.zone = time.FixedZone("", 3600) // where it is the next day
	if got := p.Relative(p.now.Add(-24 * time.Hour)); got != "yesterday" {
		t.Errorf("got %q", got)
	}
	p = &Page{language: German(), now: now, zone: time.UTC}
	for d, want := range map[time.Duration]string{day: "gestern", -day: "morgen", -30*time.Minute + 1: "in 30 Minuten", 2 * day: "vor 2 Tagen"} {
		if got := p.Relative(now.Add(-d)); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
	p = &Page{language: English(), now: now, zone: time.UTC}
	for _, edge := range []time.Time{{}, time.Unix(1<<40, 0)} {
		if got := p.Relative(edge); !strings.Contains(got, "days") {
			t.Errorf("%v: got %q", edge, got)
		}
	}
	german := German()
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1.000", 10_000: "10.000", 1_234_567: "1.234.567", -1234: "-1.234", -123: "-123"} {
		if got := german.digits(n); got != want {
			t.Errorf("%d: got %s", n, got)
		}
	}
	if got := fill("{user} at {ip}", []string{"ip", "{user}", "user", "{ip}{n}"}); got != "{ip}{n} at {user}" {
		t.Errorf("got %q", got)
	}
}
