package pages

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

//go:embed languages
var languageFiles embed.FS

// A Language has all texts of the pages in one language. It is immutable.
type Language struct {
	tag, direction, thousands string
	texts                     map[string]forms
}

// forms are a text by plural category of Unicode CLDR: "one", "few", "other" …; a text without a number has "other" only.
type forms map[string]string

// UnmarshalJSON accepts a string for a text that has one form.
func (f *forms) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*f = forms{"other": one}
		return nil
	}
	return json.Unmarshal(b, (*map[string]string)(f))
}

// English returns the texts in English.
func English() *Language { return shipped("en") }

// German returns the texts in German.
func German() *Language { return shipped("de") }

func shipped(tag string) *Language {
	l, err := readLanguage("languages/" + tag + ".json")
	if err != nil {
		panic(err) // a test reads them all
	}
	return l
}

func readLanguage(name string) (*Language, error) {
	b, err := languageFiles.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return decodeLanguage(b)
}

// ParseLanguage reads a language from JSON, in the form of the files in the folder "languages" of this package: copy
// en.json and translate it. Every text must be there, with the same placeholders, and texts with a number in every plural
// form that the language has, as Unicode CLDR names them. The error names what is wrong.
func ParseLanguage(b []byte) (*Language, error) {
	l, err := decodeLanguage(b)
	if err != nil {
		return nil, fmt.Errorf("pages: language: %w", err)
	}
	model := English()
	for _, key := range slices.Sorted(maps.Keys(model.texts)) {
		if err := l.check(key, model.texts[key]); err != nil {
			return nil, fmt.Errorf("pages: language %s: %w", l.tag, err)
		}
	}
	for key := range l.texts {
		if _, ok := model.texts[key]; !ok {
			return nil, fmt.Errorf("pages: language %s: text %q is not known", l.tag, key)
		}
	}
	return l, nil
}

func decodeLanguage(b []byte) (*Language, error) {
	var file struct {
		Tag       string           `json:"tag"`
		Direction string           `json:"direction"`
		Thousands string           `json:"thousands"`
		Texts     map[string]forms `json:"texts"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, err
	}
	if !isTag(file.Tag) {
		return nil, fmt.Errorf("%q is not a tag", file.Tag)
	}
	if file.Direction != "ltr" && file.Direction != "rtl" {
		return nil, fmt.Errorf("%s: direction is %q, not ltr or rtl", file.Tag, file.Direction)
	}
	return &Language{file.Tag, file.Direction, file.Thousands, file.Texts}, nil
}

// isTag reports whether s looks like a language tag (BCP 47).
func isTag(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for n, part := range strings.Split(s, "-") {
		if part == "" || len(part) > 8 || strings.Trim(part, letters+"0123456789") != "" {
			return false
		}
		if n == strings.Count(s, "-") && len(part) < 2 || n == 0 && (len(part) < 2 || strings.Trim(part, letters) != "") {
			return false
		}
	}
	return true
}

// check compares a text with the English one.
func (l *Language) check(key string, model forms) error {
	got, ok := l.texts[key]
	if !ok || len(got) == 0 {
		return fmt.Errorf("text %q is missing", key)
	}
	rule := plurals(l.tag)
	want := []string{"other"}
	if len(model) > 1 {
		want = rule.categories
	}
	known := placeholders(model["other"])
	for _, category := range want {
		text, ok := got[category]
		if !ok {
			return fmt.Errorf("text %q lacks the plural form %q", key, category)
		}
		if strings.TrimSpace(text) == "" {
			return fmt.Errorf("text %q is empty", key)
		}
		for _, p := range known {
			if !strings.Contains(text, p) && !(p == "{n}" && rule.single(category)) {
				return fmt.Errorf("text %q lacks the placeholder %s", key, p)
			}
		}
		for _, p := range placeholders(text) {
			if !slices.Contains(known, p) {
				return fmt.Errorf("text %q has the placeholder %s, which is not known", key, p)
			}
		}
	}
	for category := range got {
		if rule.assumed && !slices.Contains(rule.categories, category) {
			return fmt.Errorf("text %q has the plural form %q, but how %q counts is not known: it would be as in English", key, category, l.tag)
		}
	}
	return nil
}

func placeholders(s string) (found []string) {
	for {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			return found
		}
		n := strings.IndexByte(s[i:], '}')
		if n < 0 {
			return found
		}
		found, s = append(found, s[i:i+n+1]), s[i+n+1:]
	}
}

// text returns a text. pairs are placeholders, without braces, and what stands for them.
func (l *Language) text(key string, pairs ...string) string {
	return fill(l.texts[key]["other"], pairs)
}

// number returns the form of a text for n.
func (l *Language) number(key string, n int, pairs ...string) string {
	f := l.texts[key]
	s, ok := f[plurals(l.tag).category(n)]
	if !ok {
		s = f["other"]
	}
	return fill(s, append([]string{"n", l.digits(n)}, pairs...))
}

// digits writes n in groups of three.
func (l *Language) digits(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + l.thousands + s[i:]
	}
	return s
}

func fill(s string, pairs []string) string {
	if len(pairs) == 0 {
		return s
	}
	old := make([]string, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		old[i], old[i+1] = "{"+pairs[i]+"}", pairs[i+1]
	}
	return strings.NewReplacer(old...).Replace(s)
}

// choose returns the language for a request.
func (c *Config) choose(r *http.Request) *Language {
	if c.Language != nil {
		if l := c.speaks(c.Language(r)); l != nil {
			return l
		}
	}
	for _, tag := range accepted(strings.Join(r.Header["Accept-Language"], ",")) {
		if l := c.speaks(tag); l != nil {
			return l
		}
	}
	return c.Languages[0]
}

// speaks looks a tag up as RFC 4647, section 3.4, has it: "de-AT-1996" is de-AT, or else de.
func (c *Config) speaks(tag string) *Language {
	for tag != "" {
		for _, l := range c.Languages {
			if strings.EqualFold(l.tag, tag) {
				return l
			}
		}
		tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
	}
	return nil
}

// accepted returns the tags of Accept-Language, the preferred one first (RFC 9110, section 12.5.4).
func accepted(header string) []string {
	type choice struct {
		tag     string
		quality float64
	}
	var all []choice
	for part := range strings.SplitSeq(header, ",") {
		tag, parameter, _ := strings.Cut(part, ";")
		quality := quality(parameter)
		if tag = strings.TrimSpace(tag); tag != "" && tag != "*" && quality > 0 && len(all) < 32 {
			all = append(all, choice{tag, quality})
		}
	}
	slices.SortStableFunc(all, func(a, b choice) int {
		if a.quality > b.quality {
			return -1
		} else if a.quality < b.quality {
			return 1
		}
		return 0
	})
	tags := make([]string, len(all))
	for i, c := range all {
		tags[i] = c.tag
	}
	return tags
}

// quality reads "q=0.5"; 1 if it is not there, 0 if it makes no sense.
func quality(parameter string) float64 {
	name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
	if !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || q < 0 || q > 1 {
		return 0
	}
	return q
}
