package geoipdownload

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/qsessions/qsessions/tools/internal/geoipdownload/maxmindtest"
)

// TestWrongType: a database of another type is refused even if it has the name and the checksum: applications would refuse
// it, and the old one would be gone.
func TestWrongType(t *testing.T) {
	t.Parallel()
	for edition, other := range map[string]string{city: "GeoLite2-Country", "GeoIP2-Country": city, "GeoLite2-ASN": city} {
		s := newSetup(t)
		s.server.Set(edition, maxmindtest.Database(other, "new"))
		c, err := New(s.cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if res, err := c.Update(t.Context(), edition); err == nil || res != (Result{}) || !strings.Contains(err.Error(), "type") {
			t.Errorf("%s: got %+v, %v", edition, res, err)
		}
		s.has(t, "old")
	}
}

// TestRepeatedKey: a server that says the key, in whatever place, does not get it into an error.
func TestRepeatedKey(t *testing.T) {
	t.Parallel()
	const key = maxmindtest.LicenseKey
	sent := base64.StdEncoding.EncodeToString([]byte(maxmindtest.AccountID + ":" + key))
	raw := func(format string, arg ...any) maxmindtest.Hook {
		return func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return true
			}
			defer conn.Close()
			fmt.Fprintf(conn, format, arg...)
			return true
		}
	}
	for name, hook := range map[string]maxmindtest.Hook{
		"status":   raw("HTTP/1.1 %s no\r\n\r\n", key),
		"protocol": raw("%s\r\n\r\n", key),
		"header":   raw("HTTP/1.1 200 OK\r\n%s\r\n\r\n", sent),
		"length":   raw("HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n", key),
		"location": raw("HTTP/1.1 302 Found\r\nLocation: https://h/%%zz?%s\r\nContent-Length: 0\r\n\r\n", key),
		"scheme":   raw("HTTP/1.1 302 Found\r\nLocation: x%s://h/\r\nContent-Length: 0\r\n\r\n", strings.ReplaceAll(key, "_", "")),
		"host":     raw("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1%s/\r\nContent-Length: 0\r\n\r\n", key),
		"archive": func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			_, _ = w.Write(maxmindtest.Pack(maxmindtest.File{Name: "../" + key}))
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			s.server.Download = hook
			if _, err := s.update(t.Context(), t); err == nil || strings.Contains(err.Error(), sent) || strings.Contains(err.Error(), strings.ReplaceAll(key, "_", "")) {
				t.Errorf("got %v", err)
			}
			s.has(t, "old")
		})
	}
}

// TestPlaceholderKey: a key that is a word hides no message.
func TestPlaceholderKey(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	c := s.cfg
	c.LicenseKey = "key"
	client, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Update(t.Context(), city); !errors.Is(err, ErrRefused) {
		t.Errorf("got %v", err)
	}
}

// TestSignedLocation: the address to which a server redirects opens the file, and is in no error even if it is no address.
func TestSignedLocation(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.server.Download = func(w http.ResponseWriter, _ *http.Request, _ string) bool {
		w.Header().Set("Location", "https://h/%zz?signature=s3cret")
		w.WriteHeader(http.StatusFound)
		return true
	}
	if _, err := s.update(t.Context(), t); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
	s.has(t, "old")
}

// TestOtherPort: another port is somebody else, who does not get the key.
func TestOtherPort(t *testing.T) {
	t.Parallel()
	s, other := newSetup(t), maxmindtest.Start(t)
	other.Set(city, maxmindtest.Database(city, "new"))
	s.server.Download = func(w http.ResponseWriter, r *http.Request, _ string) bool {
		http.Redirect(w, r, other.URL+r.URL.RequestURI(), http.StatusFound)
		return true
	}
	if _, err := s.update(t.Context(), t); err == nil { // other takes only requests with the key
		t.Error("the key was sent to another port")
	}
	s.has(t, "old")
}

// TestLeftoversByName: what a folder's name means to a shell means nothing here.
func TestLeftoversByName(t *testing.T) {
	t.Parallel()
	long := time.Now().Add(-25 * time.Hour)
	parent := t.TempDir()
	for _, dir := range []string{"a[b]", "*", "neighbor"} {
		if err := os.Mkdir(filepath.Join(parent, dir), 0o700); err != nil {
			t.Fatal(err)
		}
		left := filepath.Join(parent, dir, "."+city+".mmdb.123.part")
		if err := os.WriteFile(left, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(left, long, long); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"a[b]", "*"} {
		removeLeftovers(filepath.Join(parent, dir, city+".mmdb"))
	}
	for dir, gone := range map[string]bool{"a[b]": true, "*": true, "neighbor": false} {
		if _, err := os.Stat(filepath.Join(parent, dir, "."+city+".mmdb.123.part")); os.IsNotExist(err) != gone {
			t.Errorf("%s: gone %t, want %t", dir, !gone, gone)
		}
	}
}

// TestNoFile: what is no file where the database should be is an error, and nobody waits for it.
func TestNoFile(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(path string) error{
		"pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"folder": func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		s := newSetup(t)
		if err := os.Remove(s.path()); err != nil {
			t.Fatal(err)
		}
		if err := put(s.path()); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if _, err := s.update(t.Context(), t); err == nil || !strings.Contains(err.Error(), "no regular file") {
				t.Errorf("%s: got %v", name, err)
			}
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: it waits", name)
		}
	}
}

// TestTogether: two runs at once do not harm each other.
func TestTogether(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	const runs = 4
	var arrived sync.WaitGroup
	arrived.Add(runs)
	s.server.Download = func(http.ResponseWriter, *http.Request, string) bool {
		arrived.Done()
		arrived.Wait() // each has its own file by now
		return false
	}
	var wg sync.WaitGroup
	for range runs {
		wg.Go(func() {
			if res, err := s.update(t.Context(), t); err != nil || !res.New {
				t.Errorf("got %+v, %v", res, err)
			}
		})
	}
	wg.Wait()
	s.has(t, "new")
}

// TestLink: where the file is a symbolic link, a database replaces the link; what it leads to stays as it is.
func TestLink(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	elsewhere := filepath.Join(t.TempDir(), "x.mmdb")
	if err := os.Rename(s.path(), elsewhere); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, s.path()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.update(t.Context(), t); err != nil {
		t.Error(err)
	}
	s.has(t, "new")
	if after, err := os.ReadFile(elsewhere); err != nil || string(after) != string(before) {
		t.Errorf("what the link led to has changed, %v", err)
	}
}
