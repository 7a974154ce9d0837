package geoipdownload

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/qsessions/qsessions/tools/internal/geoipdownload/maxmindtest"
	"github.com/qsessions/qsessions/tools/internal/mmdb"
)

// TestDiskFull: where there is no room for both databases the old one stays. It mounts a file system of 1 MiB in memory, so
// it needs to be root.
func TestDiskFull(t *testing.T) {
	s := newSetup(t)
	if err := syscall.Mount("none", s.dir, "tmpfs", 0, "size=1m,mode=700"); err != nil {
		t.Skipf("DISK FULL IS NOT TESTED: a small file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(s.dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(s.path(), maxmindtest.Database(city, "old"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.server.Set(city, large(t))
	if _, err := s.update(t.Context(), t); err == nil || !strings.Contains(err.Error(), "no room left in "+s.dir) {
		t.Errorf("got %v", err)
	}
	s.has(t, "old")
	s.server.Set(city, maxmindtest.Database(city, "new"))
	if _, err := s.update(t.Context(), t); err != nil {
		t.Error(err)
	}
	s.has(t, "new")
}

// large is a database of more than 1 MiB.
func large(t *testing.T) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	name := make([]byte, 500)
	var places []mmdb.Place
	for i := range 3000 {
		for j := range name {
			name[j] = byte('a' + random.IntN(26))
		}
		places = append(places, mmdb.Place{Network: netip.PrefixFrom(netip.AddrFrom4([4]byte{9, byte(i >> 8), byte(i), 0}), 24), City: string(name)})
	}
	b, err := mmdb.City(time.Unix(1, 0), places...)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 1<<20 {
		t.Fatalf("%d bytes are not large", len(b))
	}
	return b
}
