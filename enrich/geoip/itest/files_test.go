package itest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/enrich/geoip"
)

// TestOptionalComesAndGoes: BAD-25. A bad file that Config.Dir need not have is forgotten with the file.
func TestOptionalComesAndGoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	countryFile := filepath.Join(dir, "GeoLite2-Country.mmdb")
	put(t, filepath.Join(dir, "GeoLite2-City.mmdb"), capital(t, "one"))
	r := open(t, geoip.Config{Dir: dir})
	for range 2 {
		put(t, countryFile, countryDatabase(t)[:100])
		if err := r.Reload(); err == nil {
			t.Error("no error of a truncated file")
		}
		if err := os.Remove(countryFile); err != nil {
			t.Fatal(err)
		}
		if err := r.Reload(); err != nil {
			t.Errorf("there is no such file any more: %v", err)
		}
	}
	put(t, countryFile, countryDatabase(t))
	if err := errors.Join(r.Reload(), os.Remove(countryFile)); err != nil {
		t.Error(err)
	}
	if err := r.Reload(); err == nil {
		t.Error("no error of a database that was there and is not")
	}
	if got := locate(t, r, "203.0.113.1").Country; got != "Iran" {
		t.Errorf("got %q", got)
	}
}

// TestRunEndsWithClose: nobody has to wait for the next poll.
func TestRunEndsWithClose(t *testing.T) {
	t.Parallel()
	path := file(t, "city.mmdb", capital(t, "one"))
	synctest.Test(t, func(t *testing.T) {
		r := open(t, geoip.Config{City: path, PollEvery: 24 * time.Hour})
		done := make(chan error)
		go func() { done <- r.Run(context.Background()) }()
		synctest.Wait()
		before := time.Now()
		for range 2 {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := <-done; err != nil || time.Since(before) > 0 {
			t.Errorf("got %v after %v", err, time.Since(before))
		}
		if err := r.Run(context.Background()); err != nil || time.Since(before) > 0 {
			t.Errorf("of a closed reader: got %v after %v", err, time.Since(before))
		}
	})
}

// TestLinks: BAD-25. A link that leads elsewhere, and a folder that took the place of another, are new files.
func TestLinks(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	current := filepath.Join(parent, "current")
	for _, name := range []string{"one", "two", "three"} {
		if err := os.Mkdir(filepath.Join(parent, name), 0o700); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(parent, name, "GeoLite2-City.mmdb"), capital(t, name))
	}
	point := func(to string) {
		if err := errors.Join(os.Symlink(to, current+".new"), os.Rename(current+".new", current)); err != nil {
			t.Fatal(err)
		}
	}
	point("one")
	link := filepath.Join(parent, "link.mmdb") // as Kubernetes mounts a ConfigMap
	if err := os.Symlink(filepath.Join("current", "GeoLite2-City.mmdb"), link); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r, linked := open(t, geoip.Config{Dir: current}), open(t, geoip.Config{City: link})
		go r.Run(t.Context())
		go linked.Run(t.Context())
		want := func(name string) {
			t.Helper()
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			if got, other := locate(t, r, somebody).City, locate(t, linked, somebody).City; got != name || other != name {
				t.Errorf("got %q and %q, want %q", got, other, name)
			}
		}
		want("one")
		point("two")
		want("two")
		point("nowhere")
		want("two")
		point("current") // it leads to itself
		want("two")
		point("one")
		want("one")
		if err := errors.Join(os.Rename(filepath.Join(parent, "one"), filepath.Join(parent, "old")), os.Rename(filepath.Join(parent, "three"), filepath.Join(parent, "one"))); err != nil {
			t.Fatal(err)
		}
		want("three")
		if err := errors.Join(r.Close(), linked.Close()); err != nil {
			t.Error(err)
		}
	})
}
