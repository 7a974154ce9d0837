package session

import (
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestCleanUserAgent: BAD-20, BAD-21, BAD-22, BAD-23. A User-Agent is cut to 512 bytes at the end of a rune, and holds
// neither invalid UTF-8 nor control characters, so that every database takes it and no line of a log or terminal breaks.
func TestCleanUserAgent(t *testing.T) {
	t.Parallel()
	const r = "\ufffd"
	for _, test := range []struct{ name, in, want string }{
		{"BAD-22 empty", "", ""},
		{"plain", "Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (X11; Linux x86_64)"},
		{"BAD-20 NUL", "a\x00b", "a" + r + "b"},
		{"BAD-20 invalid UTF-8", "a\xff\xfeb\xc3", "a" + r + r + "b" + r},
		{"BAD-20 surrogate", "\xed\xa0\x80", r + r + r},
		{"BAD-20 overlong", "\xc0\xaf", r + r},
		{"BAD-20 C1", "a\u0080b\u009fc", "a" + r + "b" + r + "c"},
		{"the mark of hints", "a\ufdd0\"Android\"", "a" + r + "\"Android\""},
		{"BAD-23 newline", "a\r\nlevel=ERROR\tb", "a" + r + r + "level=ERROR" + r + "b"},
		{"BAD-23 escape", "\x1b[31mred\x07\x7f", r + "[31mred" + r + r},
		{"BAD-23 left to those who show it", "<script>alert(\"1\")</script>=cmd()'", "<script>alert(\"1\")</script>=cmd()'"},
		{"BAD-21 long", strings.Repeat("x", 8<<10), strings.Repeat("x", 512)},
		{"BAD-21 just fits", strings.Repeat("x", 512), strings.Repeat("x", 512)},
		{"BAD-21 emoji", strings.Repeat("😀", 200), strings.Repeat("😀", 128)},
		{"BAD-21 emoji across the end", "x" + strings.Repeat("😀", 200), "x" + strings.Repeat("😀", 127)},
		{"BAD-21 combining", "x" + strings.Repeat("\u0301", 300), "x" + strings.Repeat("\u0301", 255)},
		{"BAD-21 grows by cleaning", strings.Repeat("\xff", 512), strings.Repeat(r, 170)},
	} {
		if got := cleanUserAgent(test.in); got != test.want {
			t.Errorf("%s: got %.60q (%d bytes), want %.60q (%d bytes)", test.name, got, len(got), test.want, len(test.want))
		}
	}
}

// FuzzUserAgent: BAD-20, BAD-21.
func FuzzUserAgent(f *testing.F) {
	for _, s := range []string{"", "a\x00b", "\xff", strings.Repeat("😀", 129), strings.Repeat("x", 513), "\u0085", "a\ufdd0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := cleanUserAgent(s)
		if len(got) > 512 || !utf8.ValidString(got) || cleanUserAgent(got) != got || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == hintMark }) {
			t.Errorf("cleanUserAgent(%q) = %q", s, got)
		}
	})
}

// TestCleanIP: BAD-32, BAD-33, BAD-34. An IPv4-mapped address is IPv4, a zone is dropped, and no address is no error.
func TestCleanIP(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:1.2.3.4": "1.2.3.4", "fe80::1%eth0": "fe80::1", "2001:db8::1": "2001:db8::1",
		"fe80::1%" + strings.Repeat("z", 300): "fe80::1", "::ffff:1.2.3.4%eth0": "1.2.3.4", "::": "::",
	} {
		if got := (Client{IP: netip.MustParseAddr(in)}).clean().IP.String(); got != want {
			t.Errorf("%.40s: got %s, want %s", in, got, want)
		}
	}
	if got := (Client{}).clean(); got != (Client{}) {
		t.Errorf("no client: got %+v", got)
	}
}

// TestClientIsStoredClean: BAD-20, BAD-33. What the store gets, and what lists show, is the cleaned client; the strings of
// the request are not kept.
func TestClientIsStoredClean(t *testing.T) {
	t.Parallel()
	st := new(spy)
	b := []byte("agent")
	v := visitor{t: t, m: manager(t, st, Config{}), client: Client{IP: netip.MustParseAddr("fe80::1%eth0"), UserAgent: "a\x00\xff" + string(b)}}
	v.do(func(s Session) { s.Login("alice") })
	list, err := Collect(v.m.Sessions(t.Context(), "alice"))
	if err != nil || len(list) != 1 || list[0].Client != (Client{IP: netip.MustParseAddr("fe80::1"), UserAgent: "a\ufffd\ufffdagent"}) {
		t.Errorf("got %+v, %v", list, err)
	}
}

// TestUserNames: BAD-49, CVE-51. A user is 1 to 255 bytes of UTF-8 without NUL, everywhere, and is compared byte by byte.
func TestUserNames(t *testing.T) {
	t.Parallel()
	st := new(spy)
	m := manager(t, st, Config{})
	for _, user := range []string{"", strings.Repeat("u", 256), strings.Repeat("u", 10<<10), "a\x00b", "\x00", "a\xff", "\xed\xa0\x80"} {
		v := visitor{t: t, m: m}
		if _, err := v.try(func(s Session) { s.Login(user) }); err == nil || v.token != "" {
			t.Errorf("Login(%.20q) succeeds", user)
		}
		if _, err := Collect(m.Sessions(t.Context(), user)); err == nil {
			t.Errorf("Sessions(%.20q) succeeds", user)
		}
		if err := m.Revoke(t.Context(), user, m.newID(now())); err == nil {
			t.Errorf("Revoke(%.20q) succeeds", user)
		}
		if _, err := m.RevokeUser(t.Context(), user); err == nil {
			t.Errorf("RevokeUser(%.20q) succeeds", user)
		}
	}
	if st.count() != 0 {
		t.Errorf("%d store calls for bad users, want none", st.count())
	}
	users := []string{"abc", "Abc", "ABC", "abc ", " abc", "abc\t", "àbc", "a\u0300bc", "None", "null", "0", "*", "%", strings.Repeat("ü", 127)}
	tokens := map[string]*visitor{}
	for _, u := range users {
		tokens[u] = &visitor{t: t, m: m}
		tokens[u].do(func(s Session) { s.Login(u) })
	}
	for _, u := range users {
		list, err := Collect(m.Sessions(t.Context(), u))
		if err != nil || len(list) != 1 || list[0].User != u {
			t.Errorf("Sessions(%q): %d sessions, %v; want one", u, len(list), err)
		}
	}
	if n, err := m.RevokeUser(t.Context(), "abc"); n != 1 || err != nil {
		t.Errorf("RevokeUser = %d, %v; want 1", n, err)
	}
	for _, u := range users {
		if got := tokens[u].user(); got != u && u != "abc" || got != "" && u == "abc" {
			t.Errorf("after RevokeUser(abc): the session of %q is of %q", u, got)
		}
	}
}

// TestZeroID: CVE-51. The zero ID, and what other languages print for nothing, name no session.
func TestZeroID(t *testing.T) {
	t.Parallel()
	st := new(spy)
	m := manager(t, st, Config{})
	v := visitor{t: t, m: m}
	v.do(func(s Session) { s.Login("alice") })
	before := st.count()
	for what, err := range map[string]error{"Revoke": m.Revoke(t.Context(), "alice", ID{}), "RevokeID": m.RevokeID(t.Context(), ID{})} {
		if err == nil || !strings.Contains(err.Error(), ErrNotFound.Error()) {
			t.Errorf("%s of the zero ID: got %v, want ErrNotFound", what, err)
		}
	}
	if n := st.count() - before; n != 0 {
		t.Errorf("%d store calls for the zero ID, want none", n)
	}
	for _, s := range []string{"", "None", "null", "nil", "undefined", "0", "00000000-0000-0000-0000-000000000000"} {
		if id, err := ParseID(s); err == nil || !id.IsZero() {
			t.Errorf("ParseID(%q) = %v, %v; want an error", s, id, err)
		}
	}
	if u := v.user(); u != "alice" {
		t.Errorf("user %q, want alice", u)
	}
}
