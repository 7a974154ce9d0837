package pages

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

func allowed(user string) AdminConfig {
	return AdminConfig{ShowValues: func(_ *http.Request, s session.Session, of session.Info) bool {
		return s.User() == "olga" && of.User == user
	}}
}

// TestShowValues shows what is stored where the application allows it for that very session, and nowhere else.
func TestShowValues(t *testing.T) {
	for _, config := range []AdminConfig{allowed("alice"), {}} {
		f := start(t, options{admin: config})
		olga, alice, bob := f.browser(t, "olga"), f.browser(t, "alice"), f.browser(t, "bob")
		olga.signIn("olga")
		alice.signIn("alice", "cart", "pear-of-alice", "a <b>name</b>", "x")
		bob.signIn("bob", "cart", "pear-of-bob")
		page := olga.get(adminPath + alice.id().String())
		page.want(t, http.StatusOK)
		if config.ShowValues != nil {
			page.want(t, http.StatusOK, "Stored values", "pear-of-alice", "cart", "a &lt;b&gt;name", "bytes")
		} else {
			page.without(t, "Stored values", "pear", "cart")
		}
		olga.get(adminPath+bob.id().String()).without(t, "Stored values", "pear", "cart")
		for _, path := range []string{adminPath, adminPath + "charts", adminPath + "?text=pear"} {
			olga.get(path).without(t, "pear-", "cart")
		}
		alice.get(accountPath+alice.id().String()).without(t, "Stored values", "pear")
	}
}

// TestNoValues wants a session without values to say so.
func TestNoValues(t *testing.T) {
	f := start(t, options{admin: allowed("alice")})
	olga, alice := f.browser(t, "olga"), f.browser(t, "alice")
	olga.signIn("olga")
	alice.signIn("alice")
	olga.get(adminPath+alice.id().String()).want(t, http.StatusOK, "Nothing is stored.")
}

// TestCorrupt: CVE-7. One record that cannot be read is shown as such, ends like others, and costs no list anything.
func TestCorrupt(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	for name, spoil := range map[string]func(r *store.Record){
		"data":   func(r *store.Record) { r.Data = []byte("\xff\x00nonsense") },
		"secret": func(r *store.Record) { r.Secret, r.Data = []byte("nonsense"), []byte{1} },
		"cut":    func(r *store.Record) { r.Data = r.Data[:len(r.Data)/2] },
		"turned": func(r *store.Record) { r.Data[len(r.Data)-1] ^= 1 },
		"times": func(r *store.Record) {
			r.CreatedAt, r.LastSeen = time.Time{}, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
		},
	} {
		f := start(t, options{admin: allowed("alice"), sessions: session.Config{Keys: [][]byte{key}}})
		olga, alice, bob := f.browser(t, "olga"), f.browser(t, "alice"), f.browser(t, "bob")
		olga.signIn("olga")
		alice.signIn("alice", "cart", "pear")
		bob.signIn("alice")
		f.change(t, alice.id(), spoil)
		page := olga.get(adminPath + alice.id().String())
		page.want(t, http.StatusOK, alice.id().String())
		if name != "times" {
			page.want(t, http.StatusOK, "What is stored cannot be read.")
		}
		for _, path := range []string{adminPath, adminPath + "?user=alice", adminPath + "?text=alice", adminPath + "charts", accountPath} {
			list := olga.get(path)
			list.want(t, http.StatusOK)
			if strings.Contains(path, "alice") && !strings.Contains(list.body, alice.id().String()) {
				t.Errorf("%s: %s lacks it", name, path)
			}
		}
		mine := bob.get(accountPath)
		mine.want(t, http.StatusOK, alice.id().String(), bob.id().String())
		bob.get(accountPath+alice.id().String()).want(t, http.StatusOK, alice.id().String())
		bob.post(accountPath+alice.id().String()+"/revoke", nil).want(t, http.StatusSeeOther)
		if f.has(t, alice.id()) {
			t.Errorf("%s: it is still there", name)
		}
	}
}

// TestValuesBounded wants a page of bounded size of a session with very much in it.
func TestValuesBounded(t *testing.T) {
	f := start(t, options{admin: allowed("alice"), sessions: session.Config{MaxData: 8 << 20}})
	olga, alice := f.browser(t, "olga"), f.browser(t, "alice")
	olga.signIn("olga")
	pairs := []string{"user", "alice"}
	for i := range 130 {
		pairs = append(pairs, fmt.Sprintf("key%03d", i), strings.Repeat("é<", 2000))
	}
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	alice.post("/sign-in", form).want(t, http.StatusOK)
	page := olga.get(adminPath + alice.id().String())
	page.want(t, http.StatusOK, "30 more values are not shown.", "Only the beginning is shown.", "key099")
	page.without(t, "key100")
	if len(page.body) > 100*5*maxValueText || !utf8.ValidString(page.body) {
		t.Errorf("the page has %d bytes", len(page.body))
	}
}

// TestValueText wants JSON indented, text as it is, and anything else in hexadecimal.
func TestValueText(t *testing.T) {
	long := strings.Repeat("x", maxValueText)
	for in, want := range map[string]string{
		``:                   "",
		`"pear"`:             `"pear"`,
		`{"a":[1,2],"b":{}}`: "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}",
		"plain text":         "plain text",
		"{broken":            "{broken",
		"\x00\x01":           "0001",
		"caf\xe9":            "636166e9",
		long:                 long,
	} {
		if got, cut := valueText([]byte(in)); got != want || cut {
			t.Errorf("%q: got %q, cut: %v", in, got, cut)
		}
	}
	for in, size := range map[string]int{
		long + "x": maxValueText,
		strings.Repeat("x", maxValueText-1) + "é": maxValueText - 1,
		strings.Repeat("\xff", maxValueText):      maxValueText,
		"[" + strings.Repeat("1,", 2000) + "1]":   maxValueText,
	} {
		if got, cut := valueText([]byte(in)); len(got) != size || !cut || !utf8.ValidString(got) {
			t.Errorf("%.20q: %d bytes, cut: %v", in, len(got), cut)
		}
	}
}

// TestValueDepth: BAD-51. Indenting deep nesting must not take memory that grows with its square.
func TestValueDepth(t *testing.T) {
	deep := []byte(strings.Repeat("[", maxValueText/2) + strings.Repeat("]", maxValueText/2))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 16 { // as many as fit into a session
		valueText(deep)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
		t.Errorf("%d bytes were allocated", got)
	}
}

// TestNotIndexedDetail wants the page of one session also where nobody can list them.
func TestNotIndexedDetail(t *testing.T) {
	f := start(t, options{store: struct{ store.Store }{new(memory.Store)}, admin: allowed("alice")})
	olga, alice := f.browser(t, "olga"), f.browser(t, "alice")
	olga.signIn("olga")
	alice.signIn("alice", "cart", "pear")
	olga.get(adminPath+alice.id().String()).want(t, http.StatusOK, "pear")
	olga.post(adminPath+alice.id().String()+"/revoke", nil).want(t, http.StatusSeeOther)
	if alice.user() != "" {
		t.Error("still signed in")
	}
}
