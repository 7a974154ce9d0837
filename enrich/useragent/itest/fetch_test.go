// Package itest runs package useragent against the test cases of the uap-core project. It is a module of its own and never
// published. The cases are fetched when the tests run, and are not part of this repository.
package itest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// debian returns the folder of Debian's package uap-core: the installed one, or one that was downloaded. npm's package of
// that name has the expressions, but no test cases.
func debian(t *testing.T) string {
	t.Helper()
	const installed = "/usr/share/uap-core"
	if _, err := os.Stat(installed + "/tests/test_device.yaml"); err == nil {
		return installed
	}
	dir := fetched(t, "uap-core-debian", func(ctx context.Context, dir string) error {
		if err := run(ctx, dir, "apt-get", "download", "uap-core"); err != nil {
			return err
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
		if err != nil || len(files) != 1 {
			return errors.New("apt-get download leaves no package")
		}
		return run(ctx, dir, "dpkg-deb", "-x", files[0], dir)
	})
	return filepath.Join(dir, installed)
}

const npmVersion = "0.18.0"

// npm returns the expressions of npm's package uap-core.
func npm(t *testing.T) []byte {
	t.Helper()
	dir := fetched(t, "uap-core-npm-"+npmVersion, func(ctx context.Context, dir string) error {
		return run(ctx, dir, "npm", "pack", "uap-core@"+npmVersion)
	})
	b, err := os.ReadFile(filepath.Join(dir, "uap-core-"+npmVersion+".tgz"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatalf("no package/regexes.yaml: %v", err)
		}
		if h.Name == "package/regexes.yaml" {
			b, err := io.ReadAll(io.LimitReader(r, 10<<20))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
}

// fetched returns a folder of the user's cache that fetch has filled once. What cannot be had is skipped, but with CI=true
// fails.
func fetched(t *testing.T, name string, fetch func(ctx context.Context, dir string) error) string {
	t.Helper()
	fail := func(err error) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s: %v", name, err)
		}
		t.Skipf("%s: %v", name, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		fail(err)
	}
	dir := filepath.Join(cache, "qsessions-test", name)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		fail(err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), name+"-*")
	if err != nil {
		fail(err)
	}
	defer os.RemoveAll(fresh)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := fetch(ctx, fresh); err != nil {
		fail(err)
	}
	if err := os.Rename(fresh, dir); err != nil && !errors.Is(err, os.ErrExist) { // another process was faster
		fail(err)
	}
	return dir
}

func run(ctx context.Context, dir, name string, arg ...string) error {
	cmd := exec.CommandContext(ctx, name, arg...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.New(name + ": " + err.Error() + ": " + string(out))
	}
	return nil
}
