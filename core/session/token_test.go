package session

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"go/parser"
	gotoken "go/token"
	"math"
	"math/bits"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// TestTokenForm: SEC-4, SEC-5, SEC-6. A token is the ID and a random verifier, and nothing else: two of one user and one
// device have nothing in common.
func TestTokenForm(t *testing.T) {
	t.Parallel()
	m := manager(t, new(spy), Config{})
	var tokens []string
	for range 2 {
		v := visitor{t: t, m: m}
		var id ID
		v.do(func(s Session) { s.Login("alice"); id = s.ID() })
		raw, err := base64.RawURLEncoding.DecodeString(v.token)
		if err != nil || len(v.token) != 64 || len(raw) != 48 {
			t.Fatalf("token of %d characters, %d bytes (%v), want 64 and 48", len(v.token), len(raw), err)
		}
		if strings.Trim(v.token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Error("the token has characters that are not of base64url")
		}
		if !bytes.Equal(raw[:16], id[:]) {
			t.Errorf("the token does not begin with the ID %v", id)
		}
		tokens = append(tokens, string(raw))
	}
	same := 0
	for i := 16; i < 48; i++ {
		if tokens[0][i] == tokens[1][i] {
			same++
		}
	}
	if same > 8 { // 8 of 32 random bytes are equal once in 10^13 runs
		t.Errorf("verifiers of two sessions of one user have %d of 32 bytes in common", same)
	}
}

// TestTokenBitFlip: SEC-4. A token with one bit changed opens nothing, and the bytes of another session's half do not
// fit.
func TestTokenBitFlip(t *testing.T) {
	t.Parallel()
	m := manager(t, new(spy), Config{})
	alice, bob := visitor{t: t, m: m}, visitor{t: t, m: m}
	alice.do(func(s Session) { s.Login("alice") })
	bob.do(func(s Session) { s.Login("bob") })
	anonymous := func(what, token string) {
		t.Helper()
		v := visitor{t: t, m: m, token: token}
		if u := v.user(); u != "" || v.token != token {
			t.Errorf("%s: got user %q, token changed %t; want nobody, and the cookie left alone", what, u, v.token != token)
		}
	}
	for i := range len(alice.token) * 8 {
		b := []byte(alice.token)
		b[i/8] ^= 1 << (i % 8)
		anonymous("text bit flipped", string(b))
	}
	raw, _ := tokenCoding.DecodeString(alice.token)
	for i := range len(raw) * 8 {
		b := bytes.Clone(raw)
		b[i/8] ^= 1 << (i % 8)
		anonymous("bit flipped", tokenCoding.EncodeToString(b))
	}
	anonymous("halves of two tokens", alice.token[:22]+bob.token[22:])
	if got := alice.user(); got != "alice" {
		t.Errorf("the token itself opens the session of %q, want alice", got)
	}
}

// TestTokensNeverRepeat: SEC-5. 200,000 tokens, as a million take too long under the race detector; a generator that
// repeats within a million values of 256 bits repeats within these too, but for one chance in 2^200.
func TestTokensNeverRepeat(t *testing.T) {
	t.Parallel()
	at := time.Now()
	verifiers, families, ids := map[[16]byte]bool{}, map[[16]byte]bool{}, map[ID]bool{}
	for range 200_000 {
		n := newToken(store.NewID(at))
		if o := n.next(); o.family != n.family || o.id != n.id || verifiers[o.verifier] {
			t.Fatal("the next token is of another family, or not a new one")
		}
		if verifiers[n.verifier] || families[n.family] || ids[n.id] {
			t.Fatal("a verifier, a family or an ID came twice")
		}
		verifiers[n.verifier], families[n.family], ids[n.id] = true, true, true
	}
}

// TestVerifierRandomness: SEC-6, CVE-38. A monobit and a chi-square test over 3.2 million bytes, with bounds of eight and
// ten standard deviations: a good generator fails them never, a stuck bit or a skewed byte at once.
func TestVerifierRandomness(t *testing.T) {
	t.Parallel()
	const n = 100_000 * 32
	var counts [256]int
	ones := 0
	for range n / 32 {
		v := newToken(ID{})
		for _, b := range append(v.family[:], v.verifier[:]...) {
			counts[b]++
			ones += bits.OnesCount8(b)
		}
	}
	if d := math.Abs(float64(ones) - 4.0*float64(n)); d > 8*math.Sqrt(2*float64(n)) {
		t.Errorf("%d of %d bits are set: %.0f away from the half", ones, 8*n, d)
	}
	chi, want := 0.0, float64(n)/256
	for _, c := range counts {
		chi += (float64(c) - want) * (float64(c) - want) / want
	}
	if sigma := math.Sqrt(2 * 255); chi > 255+10*sigma || chi < 255-10*sigma {
		t.Errorf("chi-square of the bytes is %.0f, want about 255", chi)
	}
}

// TestRandomSource: SEC-6, CVE-38. Whatever makes a secret or an ID draws from crypto/rand; math/rand is there for pauses
// alone, and no package of UUIDs at all.
func TestRandomSource(t *testing.T) {
	t.Parallel()
	jitter := []string{"backoff.go", "sweep.go"}
	files := append(sources(t, "."), "../store/id.go")
	for _, name := range files {
		f, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			path := strings.Trim(i.Path.Value, `"`)
			if strings.HasPrefix(path, "math/rand") && !slices.Contains(jitter, name) || strings.Contains(path, "uuid") {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
	for _, name := range []string{"token.go", "seal.go", "../store/id.go"} {
		b, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(b, []byte(`"crypto/rand"`)) {
			t.Errorf("%s does not import crypto/rand (%v)", name, err)
		}
	}
}

// sources returns the names of the files in dir that are no tests.
func sources(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if n := e.Name(); strings.HasSuffix(n, ".go") && !strings.HasSuffix(n, "_test.go") {
			names = append(names, n)
		}
	}
	if len(names) < 20 {
		t.Fatalf("found the sources %v only", names)
	}
	return names
}

// malformed are texts that are no token; good is one.
func malformed(good string) []string {
	list := []string{
		"", `""`, " ", "   ", good[:63], good + "A", good[:62], good + "==", good[:62] + "==", `"` + good + `"`, " " + good[1:],
		good[:63] + "=", "%41" + good[3:], good[:61] + "%41", "+" + good[1:], "/" + good[1:], good[:63] + "+", good[:63] + "/",
		"\x00" + good[1:], good[:63] + "\x00", good[:62] + "\r\n", "\n" + good[1:], "é" + good[2:], "\xff" + good[1:],
		"." + good[1:], strings.Repeat("A", 64), // the zero ID
		strings.Repeat("A", 22) + good[22:], // the same
		strings.Repeat("A", 8<<10), strings.Repeat("A", 1<<20), "None", "null", "undefined", "0",
	}
	for _, line := range []int{4, 16, 63} {
		list = append(list, good[:line]+"\n"+good[line+1:], good[:line]+"\r"+good[line+1:]) // encoding/base64 skips these
	}
	return list
}

// TestParseTokenMalformed: BAD-1, BAD-5, CVE-51.
func TestParseTokenMalformed(t *testing.T) {
	t.Parallel()
	want := newToken(store.NewID(time.Now()))
	good := want.text()
	if got, ok := parseToken(good); !ok || got != want {
		t.Fatalf("parseToken(text) = %v, ok %t; want the same", got.id, ok)
	}
	for _, bad := range malformed(good) {
		if _, ok := parseToken(bad); ok {
			t.Errorf("parseToken(%.80q) is ok", bad)
		}
	}
}

// TestParseTokenAllocations: CVE-41. Whatever comes, parsing allocates nothing.
func TestParseTokenAllocations(t *testing.T) {
	good := freshToken()
	for _, s := range append(malformed(good), good) {
		if n := testing.AllocsPerRun(10, func() { parseToken(s) }); n > 1 { // the error of encoding/base64
			t.Errorf("parseToken(%.20q) allocates %v times", s, n)
		}
	}
}

// FuzzParseToken: BAD-1, CVE-41. What is accepted is the one text of its token.
func FuzzParseToken(f *testing.F) {
	good := freshToken()
	f.Add(good)
	for _, s := range malformed(good) {
		f.Add(s[:min(len(s), 100)])
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, ok := parseToken(s); ok && (n.text() != s || n.id.IsZero()) {
			t.Errorf("parseToken(%q) is ok, but its token is %q", s, n.text())
		}
	})
}

// TestUnknownToken: SEC-30, CVE-30, BAD-6. A well-formed token that the store does not know, of an attacker or of another
// deployment, is never adopted: a login gets another ID and another secret.
func TestUnknownToken(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{}, {Header: "Authorization"}} {
		var kinds []EventKind
		c.Observe = func(_ context.Context, e Event) { kinds = append(kinds, e.Kind) }
		st := new(spy)
		m := manager(t, st, c)
		planted := newToken(store.NewID(time.Now()))
		fixed := planted.text()

		v := visitor{t: t, m: m, token: fixed}
		e := v.do(func(s Session) {
			if s.User() != "" || !s.ID().IsZero() {
				t.Errorf("unknown token: user %q, ID %v; want nobody and none", s.User(), s.ID())
			}
		})
		if e.Name != "" || st.count() != 1 || !slices.Equal(kinds, []EventKind{UnknownToken}) {
			t.Errorf("unknown token: effect %q, %d store calls, events %v; want none, 1, [unknown token]", e.Name, st.count(), kinds)
		}
		v.do(func(s Session) { s.Login("alice") })
		if n, ok := parseToken(v.token); !ok || n.id == planted.id || n.verifier == planted.verifier || n.family == planted.family {
			t.Errorf("after the login: got %v, want a new token", n.id)
		}
		attacker := visitor{t: t, m: m, token: fixed}
		if u := attacker.user(); u != "" {
			t.Errorf("the fixed token opens the session of %q", u)
		}
		v = visitor{t: t, m: m, token: fixed}
		v.do(func(s Session) { Key[int]("n").Set(s, 1) })
		if n, ok := parseToken(v.token); !ok || n.id == planted.id || n.verifier == planted.verifier || n.family == planted.family {
			t.Errorf("after a value: got %v, want a new token", n.id)
		}
	}
}

// TestOldToken: BAD-7, CVE-32. A token that was replaced, or whose session was logged out, opens nothing.
func TestOldToken(t *testing.T) {
	t.Parallel()
	steps := []struct {
		name string
		f    func(Session)
	}{
		{"value", func(s Session) { Key[int]("n").Set(s, 1) }},
		{"login", func(s Session) { s.Login("alice") }},
		{"login again", func(s Session) { s.Login("alice") }},
		{"reauthentication", func(s Session) { s.Reauthenticate(Level(2)) }},
		{"rotation", func(s Session) { s.Rotate() }},
		{"login of another", func(s Session) { s.Login("bob") }},
		{"logout", func(s Session) { s.Logout() }},
	}
	m := manager(t, new(spy), Config{})
	v := visitor{t: t, m: m}
	var old []string
	for _, step := range steps {
		v.do(step.f)
		if v.token != "" && slices.Contains(old, v.token) {
			t.Errorf("%s: the token is an old one", step.name)
		}
		for i, token := range old {
			w := visitor{t: t, m: m, token: token}
			e := w.do(func(s Session) {
				if s.User() != "" || !s.ID().IsZero() || Key[int]("n").Has(s) {
					t.Errorf("after %s: the token of %s still opens something", step.name, steps[i].name)
				}
			})
			if e.Name != "" {
				t.Errorf("after %s: the token of %s made the server answer with %s", step.name, steps[i].name, e.Name)
			}
		}
		old = append(old, v.token)
	}
	if v.token != "" {
		t.Error("after the logout the client still has a token")
	}
}

// TestPublicNamesAreNoTokens: BAD-8, CVE-51. Neither the ID nor the stored digest opens a session.
func TestPublicNamesAreNoTokens(t *testing.T) {
	t.Parallel()
	m := manager(t, new(spy), Config{})
	v := visitor{t: t, m: m}
	var id ID
	v.do(func(s Session) { s.Login("alice"); id = s.ID() })
	right, _ := parseToken(v.token)
	d, family := right.digest(m.realms[0]), right.mark(m.realms[0])
	as := func(id ID, family, verifier []byte) string {
		n := token{id: id}
		copy(n.family[:], family)
		copy(n.verifier[:], verifier)
		return n.text()
	}
	for name, token := range map[string]string{
		"id": id.String(), "id without dashes": strings.ReplaceAll(id.String(), "-", ""), "half": v.token[:22],
		"digest in hex": hex.EncodeToString(d[:]), "digest": tokenCoding.EncodeToString(d[:]),
		"id and digest": as(id, d[:16], d[16:]), "id and zero": as(id, nil, nil), "zero id": as(ID{}, right.family[:], right.verifier[:]),
		"family's mark": as(id, family[:], right.verifier[:]), "family alone": as(id, right.family[:], nil), "mark and digest": as(id, family[:], d[:]),
	} {
		w := visitor{t: t, m: m, token: token}
		if u := w.user(); u != "" {
			t.Errorf("%s is accepted as a token of %q", name, u)
		}
	}
}
