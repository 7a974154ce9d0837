package memcachestore

import (
	"hash/maphash"
	"strings"
	"testing"
	"time"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	c, err := Config{}.withDefaults(time.Second)
	if err != nil || c.Prefix != "qsessions:" || c.Timeout != time.Second || c.MaxIdleConns != 64 || c.MaxItem != 1<<20 {
		t.Errorf("the zero value is %+v, %v", c, err)
	}
	for field, bad := range map[string][]Config{
		"Prefix": {
			{Prefix: " "}, {Prefix: "a b"}, {Prefix: "a\n"}, {Prefix: "\x00"}, {Prefix: "a\x7f"}, {Prefix: "é"},
			{Prefix: strings.Repeat("p", maxPrefix+1)}, {Prefix: "set a 0 0 1\r\nx\r\n"},
		},
		"Timeout":      {{Timeout: -1}},
		"MaxIdleConns": {{MaxIdleConns: -1}},
		"MaxItem":      {{MaxItem: -1}, {MaxItem: 1}, {MaxItem: 2<<10 - 1}, {MaxItem: 1<<30 + 1}},
	} {
		for _, c := range bad {
			if _, err := openCluster(t.Context(), []string{"127.0.0.1:1"}, c, time.Second, "x:"); err == nil || !strings.Contains(err.Error(), field) {
				t.Errorf("%+v: got error %v, want one that names %s", c, err, field)
			}
		}
	}
	long := Config{Prefix: strings.Repeat("p", maxPrefix)}
	cl, err := openCluster(t.Context(), []string{"127.0.0.1:1"}, long, time.Second, "c1:")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cl.key([16]byte{15: 1}), long.Prefix+"c1:AAAAAAAAAAAAAAAAAAAAAQ"; got != want {
		t.Errorf("key = %q, want %q", got, want)
	}
}

// A number is relative up to thirty days, then a date, and never one that memcached takes for something else (BAD-64).
func TestExpiration(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	now := time.Unix(1_800_000_000, 999_999_999)
	for ttl, want := range map[time.Duration]int32{
		-time.Hour: 1, 0: 1, 1: 1, time.Second: 1, time.Second + 1: 2, time.Minute: 60,
		30 * day: 2_592_000, 30*day + 1: 1_802_592_001, 31 * day: 1_802_678_400,
		347_483_647 * time.Second: 2_147_483_647, 347_483_648 * time.Second: 0, 1<<63 - 1: 0,
	} {
		if got := expiration(ttl, now); got != want {
			t.Errorf("expiration(%v) = %d, want %d", ttl, got, want)
		}
	}
}

// A ticket gives back the id and the count that it was made of, as long as those of now are near, and never a count that
// has not been reached.
func TestTicket(t *testing.T) {
	t.Parallel()
	for _, v := range []struct{ cas, dials, lastCAS, nowDials uint64 }{
		{1, 1, 1, 1},
		{1, 1, 1 << 39, 1 << 23},
		{1<<40 - 1, 1<<24 - 1, 1<<40 + 5, 1<<24 + 5},
		{1<<40 + 5, 1 << 24, 1<<40 - 1, 1<<24 + 1},
		{1<<63 + 7, 1<<40 + 1, 1<<63 + 1, 1<<40 + 1<<24},
		{7<<40 - 3, 3, 7<<40 + 9, 9},
	} {
		s := &server{dials: v.nowDials}
		s.lastCAS.Store(v.lastCAS)
		if cas, dials := s.redeem(ticket(v.cas, v.dials)); cas != v.cas || dials != v.dials {
			t.Errorf("%+v: got id %d and count %d", v, cas, dials)
		}
	}
	if got := ticket(0, 5); got != 0 {
		t.Errorf("the ticket of no id is %d", got)
	}
	for _, foreign := range []uint64{1 << 40, 1<<64 - 1, 77 << 40, 4<<40 | 1} {
		s := &server{dials: 3}
		if _, dials := s.redeem(foreign); dials > 3 {
			t.Errorf("redeem(%#x) gives connection %d of 3", foreign, dials)
		}
	}
	s := &Store{seed: maphash.MakeSeed()}
	tag := func(ticket uint64, version int64, user string) uint64 {
		return s.tag(ticket, version, user)
	}
	if tag(0, 5, "a") != 0 || tag(tag(99, 5, "a"), 5, "a") != 99 || tag(tag(99, 5, ""), 6, "") == 99 || tag(tag(99, 5, "a"), 5, "b") == 99 {
		t.Error("tag is not its own inverse, or has the ticket of another version")
	}
}
