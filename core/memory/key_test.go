package memory

import (
	"bytes"
	"testing"
	"time"
)

// TestRotateKey: ATK-1. A new key takes the place of the old one, and of that alone.
func TestRotateKey(t *testing.T) {
	ctx, s := t.Context(), new(Store)
	key := func(name string) []byte {
		t.Helper()
		k, err := s.Key(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	a, b := key("a"), key("b")
	if err := s.RotateKey(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(key("a"), a) || !bytes.Equal(key("b"), b) {
		t.Error("RotateKey replaced another key than its own")
	}
	a = key("a")
	if _, err := s.Sweep(ctx, time.Now().Add(1000*time.Hour), 10); err != nil || !bytes.Equal(key("a"), a) {
		t.Errorf("the key has changed without a rotation, or Sweep failed: %v", err)
	}
	if err := s.RotateKey(ctx, "A"); err == nil {
		t.Error("RotateKey of a name that no key can have: got no error")
	}
}
