package sqlxstore

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

const aUUID = "018f2f6e-4f00-7a3b-8c1d-0123456789ab"

// TestUserValue: BAD-49. A user has one form.
func TestUserValue(t *testing.T) {
	for _, k := range []struct {
		kind UserType
		ok   []string
		bad  []string
	}{
		{Text, []string{"ann", "Ann", "ann ", " ", "12abc", "ä", strings.Repeat("x", 255)}, []string{strings.Repeat("x", 256)}},
		{
			Integer,
			[]string{"0", "12", "-12", "9223372036854775807", "-9223372036854775808"},
			[]string{"", "12abc", " 12", "12 ", "1e1", "+12", "012", "12.0", "0x1f", "1_000", "-0", "--1", "9223372036854775808", "12\x00", "１２", "ann"},
		},
		{UUID, []string{aUUID}, []string{
			"", strings.ToUpper(aUUID), "{" + aUUID + "}", "urn:uuid:" + aUUID, strings.ReplaceAll(aUUID, "-", ""), aUUID + " ",
			strings.Repeat("a", 36), strings.Repeat("a", 16), strings.Replace(aUUID, "a", "g", 1),
		}},
		{UUIDBytes, []string{aUUID}, []string{"", strings.ToUpper(aUUID), "0123456789abcdef", strings.ReplaceAll(aUUID, "-", "")}},
	} {
		for _, user := range k.ok {
			v, ok := k.kind.userValue(user)
			if !ok {
				t.Errorf("type %d refuses %q", k.kind, user)
			}
			if b, is := v.([]byte); is {
				if got := k.kind.userText(string(b), true); got != user {
					t.Errorf("type %d: got %q back for %q", k.kind, got, user)
				}
			}
		}
		for _, user := range k.bad {
			if _, ok := k.kind.userValue(user); ok {
				t.Errorf("type %d accepts %q", k.kind, user)
			}
		}
	}
}

// FuzzUserValue looks for two texts that become one value.
func FuzzUserValue(f *testing.F) {
	for _, s := range []string{"12", " 12", "012", "-0", aUUID, strings.ToUpper(aUUID), "ann"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, user string) {
		if v, ok := Integer.userValue(user); ok {
			if n := v.(int64); store.MaxUser < len(user) || time.Duration(n) == 0 && user != "0" {
				t.Errorf("integer %q became %d", user, n)
			}
		}
		if v, ok := UUIDBytes.userValue(user); ok {
			if back := uuidText([16]byte(v.([]byte))); back != user {
				t.Errorf("uuid %q became %s", user, back)
			}
		}
		if u, ok := uuidBytes([]byte(user)); ok && len(user) == 36 && uuidText(u) != user {
			t.Errorf("id %q became %s", user, uuidText(u))
		}
	})
}

// TestIDColumn: CVE-51. What is no id does not become the zero one, or another.
func TestIDColumn(t *testing.T) {
	id := store.NewID(time.Now())
	for _, src := range []any{id[:], id.String(), []byte(id.String())} {
		var got idColumn
		if err := got.Scan(src); err != nil || store.ID(got) != id {
			t.Errorf("Scan(%T): got %v, %v, want %v", src, store.ID(got), err, id)
		}
	}
	for _, src := range []any{nil, "", "None", "null", []byte{}, int64(0), id[:15], append(id[:], 0), strings.Repeat("z", 36)} {
		var got idColumn
		if got.Scan(src) == nil {
			t.Errorf("Scan(%v): no error", src)
		}
	}
}

// TestSweepHour: BAD-65. Never forgotten before the end, and at most an hour after it.
func TestSweepHour(t *testing.T) {
	hour := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, end := range []time.Duration{0, time.Microsecond, time.Minute, time.Hour - time.Microsecond, time.Hour} {
		for _, k := range []struct {
			after time.Duration
			want  bool
		}{{-time.Hour, false}, {-time.Microsecond, false}, {0, false}, {time.Hour, true}, {time.Hour + time.Microsecond, true}} {
			e := hour.Add(end)
			if got := sweepHour(e) <= lastSweepHour(e.Add(k.after)); got != k.want {
				t.Errorf("a record that ends at %v, swept %v later: got %t, want %t", end, k.after, got, k.want)
			}
		}
	}
}

// TestTimes: BAD-62, BAD-65. Microseconds, far and near; the zero time is none.
func TestTimes(t *testing.T) {
	for _, want := range []time.Time{
		{}, time.UnixMicro(1_700_000_000_000_001).UTC(), time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	} {
		if got := fromMicros(micros(want)); !got.Equal(want) || got.IsZero() != want.IsZero() {
			t.Errorf("got %v, want %v", got, want)
		}
		if got := expiryFromMicros(expiryMicros(want)); !got.Equal(want) {
			t.Errorf("expiry: got %v, want %v", got, want)
		}
	}
	for _, early := range []time.Time{{}, time.Unix(0, 0), time.Unix(-1, 0)} { // must not look removed
		if got := expiryMicros(early); got <= 0 {
			t.Errorf("expiry of %v is %d", early, got)
		}
	}
}

func TestBounds(t *testing.T) {
	for _, k := range []struct{ prefix, first, last string }{
		{"192.0.2.0/24", "192.0.2.0", "192.0.2.255"},
		{"192.0.2.77/24", "192.0.2.0", "192.0.2.255"},
		{"192.0.2.7/32", "192.0.2.7", "192.0.2.7"},
		{"0.0.0.0/0", "0.0.0.0", "255.255.255.255"},
		{"10.0.0.0/9", "10.0.0.0", "10.127.255.255"},
		{"2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	} {
		first, last := bounds(netip.MustParsePrefix(k.prefix))
		if first.Unmap() != netip.MustParseAddr(k.first) || last.Unmap() != netip.MustParseAddr(k.last) {
			t.Errorf("%s: got %v to %v", k.prefix, first, last)
		}
	}
}
