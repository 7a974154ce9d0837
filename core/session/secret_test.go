package session

import (
	"bytes"
	"encoding/binary"
	"go/ast"
	"go/constant"
	"go/parser"
	gotoken "go/token"
	"go/types"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

func testSecret() *secret {
	n := newToken(store.NewID(time.Now()))
	o, p := n.next(), n.next()
	return &secret{
		remember: true, untouched: true, persistent: true, limited: true,
		current: n.digest("r"), slots: [2]slot{{slotPending, o.digest("r")}, {slotOld, p.digest("r")}}, family: n.mark("r"), before: n.mark("q"),
		issuedAt: time.UnixMicro(1).UTC(), seenAt: time.UnixMicro(2).UTC(), replacedAt: time.UnixMicro(3).UTC(), cookieEnd: time.UnixMicro(4).UTC(),
		deadline: time.Date(2030, 1, 2, 3, 4, 5, 6000, time.UTC), idle: time.Minute, lifetime: time.Hour, epoch: 7,
		nonces: [saves]nonce{{1, 2, 3, 4, 5, 6, 7, 8}, {9}, {10}, {11, 7: 12}},
		proofs: proofs{{1, time.UnixMicro(6).UTC()}, {2, time.UnixMicro(5).UTC()}, {255, time.UnixMicro(4).UTC()}},
	}
}

// TestSecretRoundTrip: what is encoded is decoded, and fits into a record.
func TestSecretRoundTrip(t *testing.T) {
	t.Parallel()
	full := testSecret()
	for _, want := range []secret{*full, {current: full.current, family: full.family, idle: 1, lifetime: 1, deadline: full.deadline}} {
		b := want.encode()
		if got, ok := decodeSecret(b); !ok || got != want || len(b) != secretLen || len(b) > store.MaxSecret {
			t.Errorf("got %+v, %t from %d bytes, want %+v", got, ok, len(b), want)
		}
	}
}

// TestSecretMalformed: CVE-41, CVE-51, BAD-61. What encode does not return is refused: another length or version, unknown
// flags and slots, no digest or family, and times that the limits of a policy never reach.
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
	with("flags", 1, 16)
	with("a slot of an unknown kind", 2, 3)
	with("another slot of an unknown kind", 2, 0x30)
	with("a free slot with a digest", 2, 0)
	with("a pending slot without a digest", 3+32, make([]byte, 32)...)
	with("zero digest", 3, make([]byte, 32)...)
	with("zero family", 3+96, make([]byte, 16)...)
	for i, name := range []string{"issued", "seen", "replaced", "deadline", "cookie", "idle", "lifetime"} {
		at := timesAt + 8*i
		with(name+" negative", at, number(-1)...)
		with(name+" lowest", at, number(math.MinInt64)...)
		with(name+" highest", at, number(math.MaxInt64)...)
		with(name+" at the zero time", at, number(time.Time{}.UnixMicro())...)
	}
	with("idle zero", timesAt+40, number(0)...)
	with("lifetime zero", timesAt+48, number(0)...)
	with("year 10000", timesAt+24, number(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())...)
	with("a proof of no level", secretLen-9, 0)
	with("a proof in the year 10000", secretLen-8, number(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())...)
	for name, b := range bad {
		if _, ok := decodeSecret(b); ok {
			t.Errorf("%s: accepted", name)
		}
	}
}

// timesAt is where the times begin in an encoded secret.
const timesAt = 3 + 96 + 32

// TestSecretDamaged: CVE-51, BAD-61. A session whose notes are damaged opens to nobody, and is neither stored over nor a
// reason to panic.
func TestSecretDamaged(t *testing.T) {
	t.Parallel()
	for _, damage := range [][]byte{nil, {}, {secretVersion}, make([]byte, secretLen), append([]byte{secretVersion}, bytes.Repeat([]byte{0xff}, secretLen-1)...), append([]byte{0}, "None"...)} {
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
		zero := token{id: id}
		for _, token := range []string{v.token, zero.text()} {
			w := visitor{t: t, m: v.m, token: token}
			if u := w.user(); u != "" {
				t.Errorf("secret %.10x: the session of %q opens", damage, u)
			}
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
		binary.BigEndian.PutUint64(b[timesAt+8*i:], uint64(time.Time{}.UnixMicro()))
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
		p.Scope().Insert(types.NewConst(gotoken.NoPos, p, "Size", types.Typ[types.UntypedInt], constant.MakeInt64(32)))
	}
	p.MarkComplete()
	return p, nil
}

// TestConstantTimeSource: SEC-26. In the source, digests and verifiers are compared by crypto/subtle alone: no == but the
// one with zero, no map key, and no other function gets at their bytes but those that copy, fill or hash them.
func TestConstantTimeSource(t *testing.T) {
	t.Parallel()
	var files []*ast.File
	fset := gotoken.NewFileSet()
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
		return ok && slices.Contains([]string{"digest", "mark", "secret"}, n.Obj().Name())
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
				if (n.Op == gotoken.EQL || n.Op == gotoken.NEQ) && (deref(n.X) || deref(n.Y)) && function != "isZero" {
					t.Errorf("%v: a digest or mark is compared with %v", at, n.Op)
				}
			case *ast.SwitchStmt:
				if n.Tag != nil && deref(n.Tag) {
					t.Errorf("%v: switch over a digest or mark", at)
				}
			case *ast.MapType:
				if deref(n.Key) {
					t.Errorf("%v: a digest or mark is a map key", at)
				}
			case *ast.SliceExpr:
				if !secretType(n.X) {
					return true
				}
				slicings++
				call, ok := stack[len(stack)-2].(*ast.CallExpr)
				if !ok {
					t.Errorf("%v: the bytes of a digest or mark go elsewhere than into a call", at)
					return true
				}
				switch name := types.ExprString(call.Fun); name {
				case "subtle.ConstantTimeCompare":
					compares++
				case "copy", "append", "rand.Read", "sha256.Sum256":
				default:
					t.Errorf("%v: the bytes of a digest or mark go to %s", at, name)
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
	n := newToken(store.NewID(time.Now()))
	d, e := n.digest("r"), n.digest("r")
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
