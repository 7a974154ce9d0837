package session

import (
	"bytes"
	"encoding/binary"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

func testSecret() *secret {
	v, w := newVerifier(), newVerifier()
	return &secret{
		current: v.digest(), previous: w.digest(), seenAt: time.UnixMicro(1).UTC(), rotatedAt: time.UnixMicro(2).UTC(),
		deadline: time.Date(2030, 1, 2, 3, 4, 5, 6000, time.UTC), idle: time.Minute, level: 255, remember: true, nonces: [saves]nonce{{1, 2, 3, 4, 5, 6, 7, 8}, {9}, {10}, {11, 7: 12}},
	}
}

// TestSecretRoundTrip: what is encoded is decoded, and fits into a record.
func TestSecretRoundTrip(t *testing.T) {
	t.Parallel()
	full := testSecret()
	for _, want := range []secret{*full, {current: full.current, idle: 1, deadline: full.deadline}} {
		b := want.encode()
		if got, ok := decodeSecret(b); !ok || got != want || len(b) != secretLen || len(b) > store.MaxSecret {
			t.Errorf("got %+v, %t from %d bytes, want %+v", got, ok, len(b), want)
		}
	}
}

// TestSecretMalformed: CVE-41, CVE-51, BAD-61. What encode does not return is refused: another length or version, unknown
// flags, no digest, and times that the limits of a policy never reach.
func TestSecretMalformed(t *testing.T) {
	t.Parallel()
	good := testSecret().encode()
	bad := map[string][]byte{"nil": nil, "empty": {}, "short": good[:len(good)-1], "long": append(bytes.Clone(good), 0), "huge": make([]byte, 1<<20)}
	with := func(name string, at int, b ...byte) {
		c := bytes.Clone(good)
		copy(c[at:], b)
		bad[name] = c
	}
	number := func(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }
	with("version", 0, secretVersion+1)
	with("flags", 1, 2)
	with("zero digest", 3, make([]byte, 32)...)
	for i, name := range []string{"seen", "rotated", "deadline", "idle"} {
		at := 3 + 64 + 8*i
		with(name+" negative", at, number(-1)...)
		with(name+" lowest", at, number(math.MinInt64)...)
		with(name+" highest", at, number(math.MaxInt64)...)
		with(name+" at the zero time", at, number(time.Time{}.UnixMicro())...)
	}
	with("idle zero", 3+64+24, number(0)...)
	with("year 10000", 3+64+16, number(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())...)
	for name, b := range bad {
		if _, ok := decodeSecret(b); ok {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestSecretDamaged: CVE-51, BAD-61. A session whose notes are damaged opens to nobody, and is neither stored over nor a
// reason to panic.
func TestSecretDamaged(t *testing.T) {
	t.Parallel()
	for _, damage := range [][]byte{nil, {}, {1}, make([]byte, secretLen), bytes.Repeat([]byte{0xff}, secretLen), []byte("None"), []byte("null")} {
		st := new(spy)
		v := visitor{t: t, m: manager(t, st, Config{})}
		var id ID
		v.do(func(s Session) { s.Login("alice"); id = s.ID() })
		r, err := st.Store.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		r.Secret = damage
		if err := st.Store.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		_, secret, _ := parseToken(v.token)
		zero := verifier{}
		for _, token := range []string{v.token, formatToken(id, &secret), formatToken(id, &zero)} {
			w := visitor{t: t, m: v.m, token: token}
			if u := w.user(); u != "" {
				t.Errorf("secret %.10x: the session of %q opens", damage, u)
			}
		}
	}
}

// TestSecretMatch: SEC-26, CVE-51. Neither an unset previous digest nor any other but the two ever matches.
func TestSecretMatch(t *testing.T) {
	t.Parallel()
	v, w, x := newVerifier(), newVerifier(), newVerifier()
	current, previous, other, zero := v.digest(), w.digest(), x.digest(), digest{}
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name string
		s    secret
		d    digest
		want bool
	}{
		{"current", secret{current: current}, current, true},
		{"zero against none", secret{current: current}, zero, false},
		{"other", secret{current: current, previous: previous}, other, false},
		{"previous, unseen", secret{current: current, previous: previous}, previous, true},
		{"previous, in grace", secret{current: current, previous: previous, seenAt: at.Add(-time.Second + 1)}, previous, true},
		{"previous, after grace", secret{current: current, previous: previous, seenAt: at.Add(-time.Second)}, previous, false},
	} {
		if got := test.s.opens(&test.d, at, time.Second); got != test.want {
			t.Errorf("%s: got %t, want %t", test.name, got, test.want)
		}
	}
}

// FuzzDecodeSecret: CVE-41. What is accepted is encoded to the same bytes.
func FuzzDecodeSecret(f *testing.F) {
	good := testSecret().encode()
	f.Add([]byte(nil))
	f.Add(good)
	f.Add(good[1:])
	f.Add(bytes.Repeat([]byte{0xff}, secretLen))
	for i := range 4 {
		b := bytes.Clone(good)
		binary.BigEndian.PutUint64(b[3+64+8*i:], uint64(time.Time{}.UnixMicro()))
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, ok := decodeSecret(b); ok && !bytes.Equal(s.encode(), b) {
			t.Errorf("%x is read as %+v", b, s)
		}
	})
}

// importer makes packages that hold nothing but the constant the types of this package depend on.
type importer struct{}

func (importer) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, path[strings.LastIndexByte(path, '/')+1:])
	if path == "crypto/sha256" {
		p.Scope().Insert(types.NewConst(token.NoPos, p, "Size", types.Typ[types.UntypedInt], constant.MakeInt64(32)))
	}
	p.MarkComplete()
	return p, nil
}

// TestConstantTimeSource: SEC-26. In the source, digests and verifiers are compared by crypto/subtle alone: no == but the
// one with zero, no map key, and no other function gets at their bytes but those that copy, fill or hash them.
func TestConstantTimeSource(t *testing.T) {
	t.Parallel()
	var files []*ast.File
	fset := token.NewFileSet()
	for _, name := range sources(t, ".") {
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	config := types.Config{Importer: importer{}, Error: func(error) {}} // the rest of the world is missing
	_, _ = config.Check("session", fset, files, info)
	secretType := func(e ast.Expr) bool {
		typ := info.Types[e].Type
		if typ == nil {
			return false
		}
		if p, ok := typ.Underlying().(*types.Pointer); ok {
			typ = p.Elem()
		}
		n, ok := typ.(*types.Named)
		return ok && slices.Contains([]string{"digest", "verifier", "secret"}, n.Obj().Name())
	}
	deref := func(e ast.Expr) bool { // by value: pointers may be compared
		typ := info.Types[e].Type
		if typ == nil {
			return false
		}
		_, pointer := typ.Underlying().(*types.Pointer)
		return secretType(e) && !pointer
	}
	compares, slicings := 0, 0
	for _, f := range files {
		var function string
		var stack []ast.Node
		ast.Inspect(f, func(n ast.Node) bool {
			if n == nil {
				stack = stack[:len(stack)-1]
				return true
			}
			stack = append(stack, n)
			at := fset.Position(n.Pos())
			switch n := n.(type) {
			case *ast.FuncDecl:
				function = n.Name.Name
			case *ast.BinaryExpr:
				if (n.Op == token.EQL || n.Op == token.NEQ) && (deref(n.X) || deref(n.Y)) && function != "isZero" {
					t.Errorf("%v: a digest or verifier is compared with %v", at, n.Op)
				}
			case *ast.SwitchStmt:
				if n.Tag != nil && deref(n.Tag) {
					t.Errorf("%v: switch over a digest or verifier", at)
				}
			case *ast.MapType:
				if deref(n.Key) {
					t.Errorf("%v: a digest or verifier is a map key", at)
				}
			case *ast.SliceExpr:
				if !secretType(n.X) {
					return true
				}
				slicings++
				call, ok := stack[len(stack)-2].(*ast.CallExpr)
				if !ok {
					t.Errorf("%v: the bytes of a digest or verifier go elsewhere than into a call", at)
					return true
				}
				switch name := types.ExprString(call.Fun); name {
				case "subtle.ConstantTimeCompare":
					compares++
				case "copy", "append", "rand.Read", "sha256.Sum256":
				default:
					t.Errorf("%v: the bytes of a digest or verifier go to %s", at, name)
				}
			}
			return true
		})
	}
	if compares < 2 || slicings < 6 {
		t.Errorf("saw %d operands of ConstantTimeCompare, and %d slicings in all: the test has gone blind", compares, slicings)
	}
}

// TestDigestEqual: SEC-26. Every single bit counts.
func TestDigestEqual(t *testing.T) {
	t.Parallel()
	v := newVerifier()
	d := v.digest()
	e := v.digest()
	if !d.equal(&e) {
		t.Error("a digest does not equal itself")
	}
	for i := range len(d) * 8 {
		e := d
		e[i/8] ^= 1 << (i % 8)
		if d.equal(&e) || e.equal(&d) {
			t.Fatalf("digests that differ in bit %d are equal", i)
		}
	}
}
