package pages

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzFilter: BAD-51. What is accepted is bounded, means the same again, and is everyone only if nothing narrows it.
func FuzzFilter(f *testing.F) {
	for _, query := range []string{
		"", "state=active&kind=users&own=1", "user=%25&ip=192.0.2.0/24&text=x", "ip=fe80::1%25eth0", "ip=::ffff:1.2.3.4", "ip=0.0.0.0/0", "text=%c3%a9", "user=%00", "own=t",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		got, err := parseFilter(q)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "pages: bad-request: ") || !utf8.ValidString(err.Error()) {
				t.Errorf("%q: %v", query, err)
			}
			return
		}
		for _, s := range []string{got.State, got.Kind, got.User, got.Find, got.IP, got.Text} {
			if len(s) > 255 || !utf8.ValidString(s) {
				t.Errorf("%q: got %q", query, s)
			}
		}
		if again, err := parseFilter(got.values()); err != nil || again != got {
			t.Errorf("%q: got %+v, and then %+v, %v", query, got, again, err)
		}
		if got.Empty() && !got.Everyone() || got.Everyone() && got.User+got.Find+got.Text != "" {
			t.Errorf("%q: %+v is empty: %v, everyone: %v", query, got, got.Empty(), got.Everyone())
		}
		if users, whole := got.wholeUsers("olga", whose{}); whole && !slices.Equal(users, []string{got.User}) && (!slices.Equal(users, []string{"olga"}) || !got.Own) {
			t.Errorf("%q: %+v is the whole of %q", query, got, users)
		}
		if s, ok := got.query("olga", time.Now()); ok && (s.Live.IsZero() && s.Expired.IsZero() || got.User != "" && s.User != got.User) {
			t.Errorf("%q: the query is %+v", query, s)
		}
	})
}

// FuzzAccepted wants a bounded number of tags for whatever a client sends.
func FuzzAccepted(f *testing.F) {
	for _, header := range []string{"", "de", "de-AT;q=0.5, en", "*;q=0", "de;q=NaN", ",;=,", strings.Repeat("a,", 100)} {
		f.Add(header)
	}
	c := &Config{Languages: []*Language{English(), German()}}
	f.Fuzz(func(t *testing.T, header string) {
		tags := accepted(header)
		if len(tags) > 32 {
			t.Errorf("%d tags", len(tags))
		}
		for _, tag := range tags {
			if tag == "" || tag == "*" || strings.Contains(tag, ",") {
				t.Errorf("%q: tag %q", header, tag)
			}
			if l := c.speaks(tag); l != nil && !strings.HasPrefix(strings.ToLower(tag), l.tag) {
				t.Errorf("%q is not %s", tag, l.tag)
			}
		}
	})
}

// FuzzLanguage wants what is accepted as a language to make whole pages.
func FuzzLanguage(f *testing.F) {
	f.Add(must(languageFiles.ReadFile("languages/en.json")))
	f.Add(must(languageFiles.ReadFile("languages/de.json")))
	f.Add([]byte(`{"tag":"ar","direction":"rtl","texts":{"skip":{"zero":"x"}}}`))
	keys := slices.Sorted(maps.Keys(English().texts))
	templates, _, err := parseTemplates(nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	request := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/"}}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := ParseLanguage(b)
		if err != nil {
			return
		}
		p := &Page{Request: request, Language: l.tag, Dir: l.direction, User: "a", language: l, now: time.Now(), zone: time.UTC, Data: AccountData{Others: 2}}
		if err := templates.ExecuteTemplate(io.Discard, "account.html", p); err != nil {
			t.Error(err)
		}
		for n := range 30 {
			for _, key := range keys {
				if l.number(key, n) == "" {
					t.Errorf("%s has no form for %d", key, n)
				}
			}
		}
	})
}

// FuzzVisible: BAD-23. Nothing that goes through it turns text around, or ends a line of a terminal.
func FuzzVisible(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := visible(s)
		if !utf8.ValidString(got) || visible(got) != got || utf8.RuneCountInString(got) != utf8.RuneCountInString(s) {
			t.Errorf("%q: got %q", s, got)
		}
		for _, r := range got {
			if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
				t.Errorf("%q: got %U", s, r)
			}
		}
	})
}

// FuzzValueText wants bounded text for whatever is stored.
func FuzzValueText(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"c"}]}`))
	f.Add([]byte("\x00\xff"))
	f.Add([]byte(strings.Repeat("[", 300)))
	f.Add([]byte(strings.Repeat("é", 3000)))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, cut := valueText(b)
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) || len(text) > maxValueText || cut && len(b) < maxValueText/16 && depth(b) == 0 {
			t.Errorf("%q: %d bytes, cut: %v", b, len(text), cut)
		}
	})
}
