package itest

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/qsessions/qsessions/enrich/geoip"
)

// TestReload: BAD-25. A good file replaces the data, a bad one is an error and does not.
func TestReload(t *testing.T) {
	t.Parallel()
	path := file(t, "city.mmdb", capital(t, "one"))
	r := open(t, geoip.Config{City: path})
	put(t, path, capital(t, "two"))
	if got := locate(t, r, somebody).City; got != "one" {
		t.Errorf("before the reload: got %q", got)
	}
	if err := r.Reload(); err != nil {
		t.Error(err)
	}
	if got := locate(t, r, somebody).City; got != "two" {
		t.Errorf("after the reload: got %q", got)
	}
	for name, f := range bad(t) {
		put(t, path, f.content)
		for range 2 { // it stays bad
			if err := r.Reload(); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), f.says) {
				t.Errorf("%s: got %v, want an error that says %q", name, err, f.says)
			}
		}
		if got := locate(t, r, somebody).City; got != "two" {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(); err == nil {
		t.Error("missing: no error")
	}
	if got := locate(t, r, somebody).City; got != "two" {
		t.Errorf("missing: got %q", got)
	}
	put(t, path, capital(t, "three"))
	if err := r.Reload(); err != nil || locate(t, r, somebody).City != "three" {
		t.Errorf("after all that: %v, %q", err, locate(t, r, somebody).City)
	}
}

// TestInPlace: BAD-25. Anyone who writes to the file itself, against all advice, harms no look-up: not even by truncating it.
func TestInPlace(t *testing.T) {
	t.Parallel()
	path := file(t, "city.mmdb", capital(t, "one"))
	r := open(t, geoip.Config{City: path})
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if got := locate(t, r, somebody).City; got != "one" {
		t.Errorf("truncated: got %q", got)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte{0xff}, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := locate(t, r, somebody).City; got != "one" {
		t.Errorf("overwritten: got %q", got)
	}
	if err := r.Reload(); err == nil {
		t.Error("no error")
	}
	if err := os.WriteFile(path, capital(t, "two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(); err != nil || locate(t, r, somebody).City != "two" {
		t.Errorf("complete again: got %v, %q", err, locate(t, r, somebody).City)
	}
	// A file that looks the same is read again by whoever asks for it.
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, capital(t, "six"), 0o600), os.Chtimes(path, time.Time{}, info.ModTime())); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(); err != nil || locate(t, r, somebody).City != "six" {
		t.Errorf("with the old time: got %v, %q", err, locate(t, r, somebody).City)
	}
}

// TestRun: BAD-25. Whatever happens to the files is picked up at the next poll, and a bad file is one warning as long as it
// stays.
func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cityFile, countryFile := filepath.Join(dir, "GeoLite2-City.mmdb"), filepath.Join(dir, "GeoLite2-Country.mmdb")
	versions := map[string][]byte{"one": capital(t, "one"), "two": capital(t, "two"), "three": capital(t, "three")}
	country := countryDatabase(t)
	put(t, cityFile, versions["one"])
	synctest.Test(t, func(t *testing.T) {
		var log lines
		r := open(t, geoip.Config{Dir: dir, PollEvery: time.Minute, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		step := func(name, wantCity, wantElse, wantLog string) {
			t.Helper()
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			said := log.take()
			if got := locate(t, r, somebody).City; got != wantCity {
				t.Errorf("%s: got city %q, want %q", name, got, wantCity)
			}
			if got := locate(t, r, "203.0.113.1").Country; got != wantElse {
				t.Errorf("%s: got country %q, want %q", name, got, wantElse)
			}
			n := strings.Count(said, "\n")
			if wantLog == "" && n != 0 || wantLog != "" && (n != 1 || !strings.Contains(said, wantLog)) {
				t.Errorf("%s: want one line with %q, got the log\n%s", name, wantLog, said)
			}
		}
		step("nothing", "one", "", "")
		put(t, cityFile, versions["two"])
		step("new City", "two", "", "level=INFO")
		put(t, countryFile, country)
		step("first Country", "two", "Iran", "GeoLite2-Country")
		put(t, cityFile, versions["three"][:100])
		step("truncated", "two", "Iran", "level=WARN")
		step("still truncated", "two", "Iran", "")
		put(t, cityFile, versions["three"][:99])
		step("truncated again", "two", "Iran", "level=WARN")
		if err := os.Remove(cityFile); err != nil {
			t.Fatal(err)
		}
		step("gone", "two", "Iran", "level=WARN")
		step("still gone", "two", "Iran", "")
		put(t, cityFile, versions["three"])
		step("back", "three", "Iran", "level=INFO")
		put(t, cityFile, country)
		step("of another type", "three", "Iran", "not City")
		put(t, cityFile, versions["one"])
		if err := r.Reload(); err != nil {
			t.Error(err)
		}
		step("reloaded by hand", "one", "Iran", "")
		if err := os.Remove(countryFile); err != nil {
			t.Fatal(err)
		}
		step("Country is gone", "one", "Iran", countryFile)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		step("all gone", "one", "Iran", cityFile)

		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		go func() { done <- r.Run(t.Context()) }()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Errorf("Run of a closed reader: %v", err)
		}
	})
}

// lines is a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// take returns what was written since it was called last.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

// TestSwaps: BAD-25. A million look-ups during 300 swaps: none fails, each sees one database or the other, and what is replaced
// leaves the memory.
func TestSwaps(t *testing.T) {
	t.Parallel()
	const (
		lookups = 1_000_000
		swaps   = 300
		size    = 1 << 20
		workers = 4
	)
	dir := t.TempDir()
	cityFile := filepath.Join(dir, "GeoLite2-City.mmdb")
	ballast := make(mmdbtype.Bytes, size)
	var versions [2][]byte
	for i, name := range []text{"even", "odd"} {
		versions[i] = made(t, "GeoLite2-City", entries{
			"89.160.20.0/24": {"city": names("en", name), "country": sweden, "postal": record{"code": name}},
			"203.0.113.0/24": {"ballast": ballast},
		})
	}
	put(t, cityFile, versions[0])
	r := open(t, geoip.Config{Dir: dir, PollEvery: time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { // it swaps too, whenever it sees a new file first
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	before := heap()

	var done, failed atomic.Int64
	var swapped atomic.Bool
	var wg sync.WaitGroup
	ip := netip.MustParseAddr(somebody)
	due := make(chan struct{}, swaps) // the swaps are spread over the look-ups
	for range workers {
		wg.Go(func() {
			for n := done.Add(1); n <= lookups || !swapped.Load(); n = done.Add(1) {
				if n%(lookups/swaps) == 0 && n <= lookups/swaps*swaps {
					due <- struct{}{}
				}
				l, err := r.Locate(ip)
				if err != nil || l.City != l.PostalCode || l.City != "even" && l.City != "odd" || l.CountryCode != "SE" {
					if failed.Add(1) == 1 {
						t.Errorf("got %+v, %v", l, err)
					}
				}
			}
		})
	}
	for i := 1; i <= swaps; i++ {
		<-due
		put(t, cityFile, versions[i%2])
		if err := r.Reload(); err != nil {
			t.Error(err)
		}
		if got, want := locate(t, r, somebody).City, []string{"even", "odd"}[i%2]; got != want {
			t.Errorf("after swap %d: got %q, want %q", i, got, want)
		}
	}
	swapped.Store(true)
	wg.Wait()
	cancel()
	running.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d look-ups failed", failed.Load())
	}
	if grown := int64(heap()) - int64(before); grown > 20*size {
		t.Errorf("%d swaps left %d bytes", swaps, grown)
	}
	for name, what := range map[string]string{"/proc/self/maps": dir, "/proc/self/fd": dir} {
		if held := holds(t, name, what); held != "" {
			t.Errorf("%s still has %s", name, held)
		}
	}
	if got := locate(t, r, somebody).City; got != "even" { // and so r was alive until now, with all that it holds
		t.Errorf("in the end: got %q", got)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// holds returns what a file or a folder of links of Linux's /proc says of dir.
func holds(t *testing.T, proc, dir string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		return ""
	}
	if b, err := os.ReadFile(proc); err == nil {
		for line := range strings.Lines(string(b)) {
			if strings.Contains(line, dir) {
				return line
			}
		}
		return ""
	}
	files, err := fs.ReadDir(os.DirFS(proc), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if link, err := os.Readlink(filepath.Join(proc, f.Name())); err == nil && strings.Contains(link, dir) {
			return link
		}
	}
	return ""
}
