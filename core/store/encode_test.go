package store

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	firstMoment = time.Time{}
	lastMoment  = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	someMoment  = time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC)
)

func someRecord() *Record {
	return &Record{
		ID:              NewID(someMoment),
		Version:         7,
		User:            "üser",
		AuthenticatedAt: someMoment,
		CreatedAt:       someMoment.Add(-time.Hour),
		LastSeen:        someMoment.Add(time.Microsecond),
		ExpiresAt:       someMoment.Add(24 * time.Hour),
		IP:              netip.MustParseAddr("192.0.2.1"),
		UserAgent:       "Mozilla/5.0",
		Secret:          []byte{0, 1, 2},
		Data:            []byte(`{"a":1}`),
	}
}

// with returns someRecord, changed.
func with(change func(r *Record)) *Record {
	r := someRecord()
	change(r)
	return r
}

// records are valid ones, at and within every limit.
func records() map[string]*Record {
	return map[string]*Record{
		"some":      someRecord(),
		"empty":     {},
		"anonymous": with(func(r *Record) { r.User, r.AuthenticatedAt = "", time.Time{} }),
		"IPv6":      with(func(r *Record) { r.IP = netip.MustParseAddr("2001:db8::1") }),
		"no IP":     with(func(r *Record) { r.IP = netip.Addr{} }),
		"IPv4 zero": with(func(r *Record) { r.IP = netip.IPv4Unspecified() }),
		"IPv6 zero": with(func(r *Record) { r.IP = netip.IPv6Unspecified() }),
		"the epoch": with(func(r *Record) { r.CreatedAt = time.Unix(0, 0).UTC() }),
		"far times": with(func(r *Record) { r.CreatedAt, r.ExpiresAt = firstMoment.Add(time.Microsecond), lastMoment }),
		"no data":   with(func(r *Record) { r.Data = nil }),
		"no secret": with(func(r *Record) { r.Secret = nil }),
		"largest": with(func(r *Record) {
			r.Version = 1<<63 - 1
			r.User, r.UserAgent = strings.Repeat("u", MaxUser), strings.Repeat("a", MaxUserAgent)
			r.Secret, r.Data = bytes.Repeat([]byte{255}, MaxSecret), bytes.Repeat([]byte{255}, 100_000)
		}),
	}
}

// TestBinaryRoundTrip: BAD-65. What is decoded is what was encoded, to the microsecond.
func TestBinaryRoundTrip(t *testing.T) {
	t.Parallel()
	for name, want := range records() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := AppendRecord(nil, want)
			got, err := DecodeRecord(b)
			if err != nil {
				t.Fatalf("DecodeRecord: %v", err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if p := AppendRecord([]byte("prefix"), got); string(p) != "prefix"+string(b) {
				t.Errorf("AppendRecord of what was decoded differs: %x, want %x behind the prefix", p, b)
			}
		})
	}
}

// The form may not change without a new version: others have stored it.
func TestBinaryForm(t *testing.T) {
	t.Parallel()
	r := someRecord()
	r.ID = ID{0: 1, 15: 16}
	r.AuthenticatedAt = time.Time{}.Add(300 * time.Microsecond)
	r.CreatedAt, r.LastSeen, r.ExpiresAt = time.Time{}, time.Time{}, lastMoment
	const want = "01" + "01000000000000000000000000000010" + "07" + "ac02" + "00" + "00" + "ffbffcdcbc81c1b004" +
		"05c3bc736572" + "04c0000201" + "0b4d6f7a696c6c612f352e30" + "03000102" + "077b2261223a317d"
	if got := hex.EncodeToString(AppendRecord(nil, r)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The same moment has the same form in every zone, and what is below a microsecond or in Tag is left out.
func TestBinaryFormIsCanonical(t *testing.T) {
	t.Parallel()
	want := AppendRecord(nil, someRecord())
	id := ID(want[1:17])
	for name, change := range map[string]func(r *Record){
		"zone":          func(r *Record) { r.CreatedAt = r.CreatedAt.In(time.FixedZone("NST", -12600)) },
		"nanoseconds":   func(r *Record) { r.LastSeen = r.LastSeen.Add(999) },
		"tag":           func(r *Record) { r.Tag = 1 },
		"IPv4 in IPv6":  func(r *Record) { r.IP = netip.AddrFrom16(r.IP.As16()) },
		"not nil":       func(r *Record) { r.Data = slices.Clip(r.Data) },
		"a local clock": func(r *Record) { r.ExpiresAt = r.ExpiresAt.Local() },
	} {
		r := someRecord()
		r.ID = id
		change(r)
		if got := AppendRecord(nil, r); !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, want %x", name, got, want)
		}
	}
	zoned := with(func(r *Record) { r.IP = netip.MustParseAddr("fe80::1%eth0") })
	if got, err := DecodeRecord(AppendRecord(nil, zoned)); err != nil || got.IP != zoned.IP.WithZone("") {
		t.Errorf("an address with a zone reads as %v, %v; want fe80::1", got.IP, err)
	}
}

// TestBinaryMalformed: BAD-61, CVE-41. Anything but the one form of a record within its limits is refused.
func TestBinaryMalformed(t *testing.T) {
	t.Parallel()
	head := func(version string) string { return "\x01" + strings.Repeat("i", 16) + version }
	const times, tail = "\x00\x00\x00\x00", "\x00\x00\x00\x00\x00"
	if _, err := DecodeRecord([]byte(head("\x01") + times + tail)); err != nil {
		t.Fatalf("the form that the cases spoil is refused: %v", err)
	}
	text := func(r *Record) string { return string(AppendRecord(nil, r)) }
	for name, in := range map[string]string{
		"nothing":              "",
		"version 0":            "\x00" + head("\x01")[1:] + times + tail,
		"version 2":            "\x02" + head("\x01")[1:] + times + tail,
		"trailing byte":        head("\x01") + times + tail + "\x00",
		"long varint":          head("\x81\x00") + times + tail,
		"long zero":            head("\x80\x00") + times + tail,
		"varint without end":   head("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80") + times + tail,
		"varint of 65 bits":    head("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02") + times + tail,
		"negative version":     text(with(func(r *Record) { r.Version = -1 })),
		"year 10000":           text(with(func(r *Record) { r.ExpiresAt = lastMoment.Add(time.Microsecond) })),
		"year 0":               text(with(func(r *Record) { r.CreatedAt = time.Time{}.Add(-time.Microsecond) })),
		"end of time":          text(with(func(r *Record) { r.CreatedAt = time.Unix(1<<62, 0) })),
		"beginning of time":    text(with(func(r *Record) { r.CreatedAt = time.Unix(-1<<62, 0) })),
		"long user":            text(with(func(r *Record) { r.User = strings.Repeat("u", MaxUser+1) })),
		"long user agent":      text(with(func(r *Record) { r.UserAgent = strings.Repeat("u", MaxUserAgent+1) })),
		"long secret":          text(with(func(r *Record) { r.Secret = make([]byte, MaxSecret+1) })),
		"IP of 3 bytes":        head("\x01") + times + "\x00\x03abc\x00\x00\x00",
		"IP of 17 bytes":       head("\x01") + times + "\x00\x11abcdefghijklmnopq\x00\x00\x00",
		"IPv4 in IPv6":         head("\x01") + times + "\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x01\x02\x03\x04\x00\x00\x00",
		"user beyond the end":  head("\x01") + times + "\x08abc",
		"data beyond the end":  head("\x01") + times + "\x00\x00\x00\x00\xff\xff\xff\xff\x0f",
		"data of 2^63-1 bytes": head("\x01") + times + "\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
	} {
		if r, err := DecodeRecord([]byte(in)); !errors.Is(err, ErrCorrupt) || r != nil {
			t.Errorf("%s: DecodeRecord = %+v, %v; want ErrCorrupt", name, r, err)
		}
	}
	whole := AppendRecord(nil, someRecord())
	for n := range whole {
		if _, err := DecodeRecord(whole[:n]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("the first %d of %d bytes: %v, want ErrCorrupt", n, len(whole), err)
		}
	}
}

// A decoded record shares no memory with its text, and Secret none with Data that an append could reach.
func TestDecodeRecordOwnsItsMemory(t *testing.T) {
	t.Parallel()
	b := AppendRecord(nil, someRecord())
	r, err := DecodeRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	_ = append(r.Secret, "xxx"...)
	want := someRecord()
	want.ID = r.ID
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
}

// A record that is decoded in place is the same, lies in its text, and no append to a part reaches another one.
func TestDecodeRecordInPlace(t *testing.T) {
	t.Parallel()
	b := AppendRecord(nil, someRecord())
	r, err := DecodeRecordInPlace(b)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(r.Secret, "xxx"...)
	_ = append(r.Data, "xxx"...)
	want := someRecord()
	want.ID = r.ID
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
	clear(b)
	if bytes.Equal(r.Data, want.Data) || bytes.Equal(r.Secret, want.Secret) {
		t.Error("the parts are copies")
	}
}

// TestBinaryAllocations: CVE-41. Encoding into a buffer takes none, decoding four: the record, two strings, the bytes.
func TestBinaryAllocations(t *testing.T) {
	r := someRecord()
	b := AppendRecord(nil, r)
	if got := testing.AllocsPerRun(100, func() { b = AppendRecord(b[:0], r) }); got != 0 {
		t.Errorf("AppendRecord: %v allocations, want 0", got)
	}
	if got := testing.AllocsPerRun(100, func() { _, _ = DecodeRecord(b) }); got != 4 {
		t.Errorf("DecodeRecord: %v allocations, want 4", got)
	}
	if got := testing.AllocsPerRun(100, func() { _, _ = DecodeRecordInPlace(b) }); got != 3 {
		t.Errorf("DecodeRecordInPlace: %v allocations, want 3", got)
	}
	lie := append(b[:17:17], "\x01\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f"...)
	if got := testing.AllocsPerRun(100, func() { _, _ = DecodeRecord(lie) }); got > 1 {
		t.Errorf("DecodeRecord of a length without bytes: %v allocations, want at most 1", got)
	}
}

// FuzzDecodeRecord: CVE-40, CVE-41, BAD-61. No input panics, and each that is accepted is the one form of its record.
func FuzzDecodeRecord(f *testing.F) {
	for _, r := range records() {
		if len(r.Data) < 1000 {
			f.Add(AppendRecord(nil, r))
		}
	}
	f.Add([]byte("\x01iiiiiiiiiiiiiiii\x81\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x01iiiiiiiiiiiiiiii\x01\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeRecord(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) || r != nil {
				t.Fatalf("DecodeRecord = %+v, %v; want nil and ErrCorrupt", r, err)
			}
			return
		}
		if got := AppendRecord(nil, r); !bytes.Equal(got, b) {
			t.Fatalf("another form of the same record\ngot  %x\nwant %x", got, b)
		}
		if r.IP.Is4In6() || r.IP.Zone() != "" {
			t.Errorf("IP is %v", r.IP)
		}
		for _, at := range []time.Time{r.AuthenticatedAt, r.CreatedAt, r.LastSeen, r.ExpiresAt} {
			if _, err := at.MarshalText(); err != nil {
				t.Errorf("a time has no text: %v", err)
			}
		}
		if n := len(r.User) + len(r.UserAgent) + len(r.Secret) + len(r.Data); n > len(b) || cap(r.Secret)+cap(r.Data) > len(b) {
			t.Errorf("%d bytes became %d", len(b), n)
		}
	})
}

func BenchmarkAppendRecord(b *testing.B) {
	r := with(func(r *Record) { r.Data = make([]byte, 1000) })
	buf := AppendRecord(nil, r)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendRecord(buf[:0], r)
	}
}

func BenchmarkDecodeRecord(b *testing.B) {
	buf := AppendRecord(nil, with(func(r *Record) { r.Data = make([]byte, 1000) }))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeRecord(buf); err != nil {
			b.Fatal(err)
		}
	}
}
