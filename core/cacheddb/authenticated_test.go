package cacheddb

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

func withOwnKey() *authenticated { return withKey("shop", key(1)).(*authenticated) }

func copyOf(t *testing.T, f form, r *store.Record) []byte {
	t.Helper()
	b, err := encode(f, r, 1)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func saltOf(b []byte) salt { return salt(b[1+keyNameSize:]) }

// TestClonesNonces: ATK-1. Clones of a process, which have its key and draw the same random bytes, use no nonce twice: a tag
// with the nonce of another one gives the key away.
func TestClonesNonces(t *testing.T) {
	f, r := withOwnKey(), record()
	synctest.Test(t, func(t *testing.T) {
		seen := map[string]bool{}
		for range 100 {
			cryptotest.SetGlobalRandom(t, 1)
			b := copyOf(t, f, r)
			_, nonce, _ := parts(b)
			if seen[string(nonce)] {
				t.Fatal("a nonce is there twice")
			}
			seen[string(nonce)] = true
			if _, _, ok := decode(f, r.ID, b); !ok {
				t.Fatal("it is no copy")
			}
			time.Sleep(time.Nanosecond)
		}
	})
	a, b := copyOf(t, f, r), copyOf(t, f, r)
	_, one, _ := parts(a)
	_, two, _ := parts(b)
	if bytes.Equal(one[:nonceSize-8], two[:nonceSize-8]) {
		t.Error("a nonce is not random")
	}
}

// Each process has a key of its own, and every other one reads its copies, at first and later.
func TestSalts(t *testing.T) {
	t.Parallel()
	here, there, r := withOwnKey(), withOwnKey(), record()
	b, c := copyOf(t, here, r), copyOf(t, there, r)
	if saltOf(b) == saltOf(c) || saltOf(b) != saltOf(copyOf(t, here, r)) {
		t.Error("the salt is not that of the process")
	}
	one, two := here.own.Load().aead, there.own.Load().aead
	nonce := make([]byte, one.NonceSize())
	if _, err := two.Open(nil, nonce, one.Seal(nil, nonce, nil, nil), nil); err == nil {
		t.Error("the key is not that of the process")
	}
	for range 3 {
		for _, f := range []form{here, there} {
			for _, copied := range [][]byte{b, c} {
				if _, _, ok := decode(f, r.ID, copied); !ok {
					t.Fatal("a process does not read another one's copy")
				}
			}
		}
	}
	if n := len(*here.known.Load()); n != 2 {
		t.Errorf("got %d salts kept, want 2", n)
	}
	zero := slices.Clone(b)
	clear(zero[1+keyNameSize : authenticatedHead])
	if _, _, ok := decode(there, r.ID, zero); ok {
		t.Error("the salt does not matter")
	}
}

// A key makes no more copies than it safely can: then there is another one, whoever asks at once.
func TestSaltIsRenewed(t *testing.T) {
	t.Parallel()
	f, other, r := withOwnKey(), withOwnKey(), record()
	first := copyOf(t, f, r)
	f.own.Load().copies.Store(maxCopies - 1)
	if last := copyOf(t, f, r); saltOf(last) != saltOf(first) {
		t.Error("the salt is renewed too early")
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			b, err := encode(f, r, 1)
			if _, _, ok := decode(other, r.ID, b); err != nil || !ok || saltOf(b) == saltOf(first) {
				t.Errorf("got the old salt or no copy: %t, %v", ok, err)
			}
		})
	}
	wg.Wait()
	if b, c := copyOf(t, f, r), copyOf(t, f, r); saltOf(b) != saltOf(c) {
		t.Error("the salt is renewed for each copy")
	}
	if _, _, ok := decode(other, r.ID, first); !ok {
		t.Error("a copy with the salt before is lost")
	}
}

// TestSaltsBounded: ATK-1. Salts that a hostile cache makes up take no memory and nothing out of it, and those of however many
// processes a bounded one.
func TestSaltsBounded(t *testing.T) {
	t.Parallel()
	f, r := withOwnKey(), record()
	b := copyOf(t, f, r)
	if _, _, ok := decode(f, r.ID, b); !ok {
		t.Fatal("it is no copy")
	}
	known := f.known.Load()
	for i := range 2 * maxSalts {
		bad := slices.Clone(b)
		bad[1+keyNameSize] ^= byte(i + 1)
		bad[2+keyNameSize] ^= byte(i>>8 + 1)
		if _, _, ok := decode(f, r.ID, bad); ok {
			t.Fatal("the salt does not matter")
		}
	}
	if f.known.Load() != known {
		t.Error("a salt that is not genuine is kept")
	}
	other := withOwnKey()
	most := 0
	for range 2*maxSalts + 10 {
		m, err := other.newMaker()
		if err != nil {
			t.Fatal(err)
		}
		other.own.Store(m)
		if _, _, ok := decode(f, r.ID, copyOf(t, other, r)); !ok {
			t.Fatal("a process does not read another one's copy")
		}
		most = max(most, len(*f.known.Load()))
	}
	if most != maxSalts {
		t.Errorf("got up to %d salts kept, want %d", most, maxSalts)
	}
	if _, _, ok := decode(f, r.ID, b); !ok {
		t.Error("a copy whose salt was forgotten is lost")
	}
}

// Copies are made and read in FIPS 140-only mode, where no nonce can be given.
func TestFIPS(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^(TestFormConcurrently|TestSalt.*)$")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("PASS: TestFormConcurrently")) {
		t.Errorf("got %v:\n%s", err, out)
	}
}
