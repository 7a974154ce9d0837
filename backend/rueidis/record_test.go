package rueidisstore

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

func someRecord() *store.Record {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC)
	return &store.Record{
		ID: store.NewID(at), Version: 7, User: "üser", AuthenticatedAt: at, CreatedAt: at.Add(-time.Hour), LastSeen: at.Add(time.Microsecond),
		ExpiresAt: at.Add(24 * time.Hour), IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "Mozilla/5.0", Secret: []byte{0, 1, 2}, Data: []byte(`{"a":1}`),
	}
}

func records() map[string]*store.Record {
	of := map[string]*store.Record{"empty": {}}
	for name, change := range map[string]func(r *store.Record){
		"some":      func(*store.Record) {},
		"anonymous": func(r *store.Record) { r.User, r.AuthenticatedAt = "", time.Time{} },
		"IPv6":      func(r *store.Record) { r.IP = netip.MustParseAddr("2001:db8::1") },
		"no IP":     func(r *store.Record) { r.IP = netip.Addr{} },
		"far times": func(r *store.Record) {
			r.CreatedAt, r.ExpiresAt = time.Time{}.Add(time.Microsecond), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
		},
		"largest": func(r *store.Record) {
			r.Version = 1<<63 - 1
			r.User, r.UserAgent, r.IP = strings.Repeat("u", store.MaxUser), strings.Repeat("a", store.MaxUserAgent), netip.IPv6Unspecified()
			r.Secret, r.Data = bytes.Repeat([]byte{255}, store.MaxSecret), bytes.Repeat([]byte{255}, 100_000)
		},
	} {
		r := someRecord()
		change(r)
		of[name] = r
	}
	return of
}

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	for name, want := range records() {
		b := encodeRecord(want)
		if got := decodeRecord(want.ID, b); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got  %+v\nwant %+v", name, got, want)
		}
		head := b[:min(len(b), maxHead)] // what List reads
		poor := want.Clone()
		poor.Secret, poor.Data = nil, nil
		if got, _ := decodeHead(want.ID, head); !reflect.DeepEqual(got, poor) {
			t.Errorf("%s: the head is  %+v\nwant %+v", name, got, poor)
		}
		if n := atUser + 1 + len(want.User); n > maxFixed {
			t.Errorf("%s: scripts look at %d bytes, and need %d", name, maxFixed, n)
		}
	}
}

// TestRecordDamage: CVE-20, CVE-23. A value of another id, of two records, or with a bit flipped, is none.
func TestRecordDamage(t *testing.T) {
	t.Parallel()
	r := someRecord()
	b := encodeRecord(r)
	other := r.Clone()
	other.ID[15]++
	later := r.Clone()
	later.Version++
	head := len(appendHead(nil, r))
	mixed := map[string][]byte{
		"of another id":            encodeRecord(other),
		"the body of another id":   append(bytes.Clone(b[:head]), encodeRecord(other)[head:]...),
		"the body of a later save": append(bytes.Clone(b[:head]), encodeRecord(later)[head:]...),
		"cut":                      b[:len(b)-1],
		"the head alone":           b[:head],
		"too long":                 append(bytes.Clone(b), 0),
		"nothing":                  nil,
	}
	for what, v := range mixed {
		if got := decodeRecord(r.ID, v); got != nil {
			t.Errorf("%s: got %+v", what, got)
		}
	}
	if got, _ := decodeHead(other.ID, b); got != nil {
		t.Errorf("the head of another id: got %+v", got)
	}
	for i := range len(b) * 8 {
		b[i/8] ^= 1 << (i % 8)
		if got := decodeRecord(r.ID, b); got != nil {
			t.Fatalf("bit %d of byte %d flipped: got %+v", i%8, i/8, got)
		}
		b[i/8] ^= 1 << (i % 8)
	}
}

// FuzzDecodeRecord mends the checksums, so that it gets behind them.
func FuzzDecodeRecord(f *testing.F) {
	for _, r := range records() {
		f.Add(r.ID[:], encodeRecord(r))
	}
	f.Fuzz(func(t *testing.T, raw, b []byte) {
		if len(raw) != len(store.ID{}) {
			return
		}
		id, b := store.ID(raw), bytes.Clone(b)
		if len(b) > atUser {
			if n := int(binary.BigEndian.Uint16(b[atLength:])); n > 4 && n < len(b)-4 {
				binary.BigEndian.PutUint32(b[n-4:], sum(id, b[:n-4]))
				binary.BigEndian.PutUint32(b[len(b)-4:], sum(id, b[n:len(b)-4]))
			}
		}
		r := decodeRecord(id, b)
		if r == nil {
			return
		}
		if r.ID != id || len(r.User) > store.MaxUser || r.IP.Is4In6() {
			t.Errorf("%x reads as %+v", b, r)
		}
		if again := decodeRecord(id, encodeRecord(r)); !reflect.DeepEqual(again, r) {
			t.Errorf("got %+v, and then %+v", r, again)
		}
	})
}

func TestMicros(t *testing.T) {
	t.Parallel()
	last := time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	for at, want := range map[time.Time]time.Time{
		{}:                              {},
		time.Unix(0, 1999).UTC():        time.Unix(0, 1000).UTC(),
		last:                            last,
		last.Add(time.Microsecond):      last,
		time.Unix(1<<60, 0):             last,
		time.Time{}.Add(-time.Hour):     {},
		last.In(time.FixedZone("", 60)): last,
	} {
		if got := fromMicros(micros(at)); !got.Equal(want) {
			t.Errorf("%v reads as %v, want %v", at, got, want)
		}
	}
	if !fromMicros(0).IsZero() || fromMicros(0).Location() != time.UTC {
		t.Error("0 is not the zero time in UTC")
	}
}
