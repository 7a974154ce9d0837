package memcachestore

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

func someRecord() *store.Record {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	return &store.Record{
		ID: store.NewID(at), Version: 3, User: "ann", AuthenticatedAt: at, CreatedAt: at, LastSeen: at, ExpiresAt: at.Add(time.Hour),
		UserAgent: "agent", Secret: []byte("secret"), Data: []byte("data"),
	}
}

// TestForm: CVE-20, CVE-23, BAD-61. Any bit that is not as it was written makes a value nothing, and so do another key, another id,
// and another length.
func TestForm(t *testing.T) {
	t.Parallel()
	const key = "p:s1:key"
	r := someRecord()
	b := encodeRecord(key, r)
	if got := decodeRecord(key, r.ID, b); !reflect.DeepEqual(got, r) {
		t.Fatalf("got %+v, want %+v", got, r)
	}
	for i := range len(b) * 8 {
		c := bytes.Clone(b)
		c[i/8] ^= 1 << (i % 8)
		if decodeRecord(key, r.ID, c) != nil {
			t.Errorf("bit %d is flipped, and it is a record", i)
		}
	}
	for n := range b {
		if decodeRecord(key, r.ID, b[:n]) != nil || decodeRecord(key, r.ID, b[n+1:]) != nil {
			t.Errorf("%d of %d bytes are a record", n, len(b))
		}
	}
	if decodeRecord(key+"x", r.ID, b) != nil {
		t.Error("it is a record under another key")
	}
	if decodeRecord(key, store.NewID(time.Now()), b) != nil {
		t.Error("it is the record of another id")
	}
	if decodeRecord(key, r.ID, append(b, 0)) != nil {
		t.Error("it is a record with a byte behind")
	}
}

func FuzzDecodeRecord(f *testing.F) {
	const key = "p:s1:key"
	r := someRecord()
	f.Add(encodeRecord(key, r))
	f.Add([]byte{recordForm, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := decodeRecord(key, r.ID, b); got != nil && !bytes.Equal(encodeRecord(key, got), b) {
			t.Errorf("%x has another form", b)
		}
	})
}
