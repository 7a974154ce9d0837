package itest

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/enrich/geoip"
)

// FuzzDatabase: BAD-25. Whatever is in the file, opening it gives a reader or an error, and what look-ups find can be shown.
func FuzzDatabase(f *testing.F) {
	for _, b := range [][]byte{
		cityDatabase(f), countryDatabase(f), madeFor(f, "GeoLite2-City", 4, entries{"89.160.20.0/24": linköping}),
		made(f, "GeoIP2-Anonymous-IP", entries{"89.160.20.0/24": {"is_anonymous": mmdbtype.Bool(true)}}),
	} {
		f.Add(b, []byte{89, 160, 20, 112})
		f.Add(b[:len(b)/2], []byte{0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	}
	dir := f.TempDir()
	good := filepath.Join(dir, "good.mmdb")
	put(f, good, cityDatabase(f))
	f.Fuzz(func(t *testing.T, b, address []byte) {
		file, err := os.CreateTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.Remove(file.Name())
		if _, err := file.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		ip, _ := netip.AddrFromSlice(address)
		for _, c := range []geoip.Config{{City: file.Name()}, {Country: file.Name()}, {City: good, Anonymous: file.Name()}} {
			r, err := geoip.Open(c)
			if err != nil {
				continue
			}
			l, err := r.Locate(ip)
			if err != nil && l != (session.Location{}) {
				t.Errorf("got %+v with %v", l, err)
			}
			if text, err := json.Marshal(l); err != nil || len(text) > 64<<10 {
				t.Errorf("%d bytes, %v", len(text), err)
			}
		}
	})
}
