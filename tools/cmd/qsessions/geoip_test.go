package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/qsessions/qsessions/enrich/geoip"
	"github.com/qsessions/qsessions/tools/internal/geoipdownload/maxmindtest"
	"github.com/qsessions/qsessions/tools/internal/stores/storestest"
)

// maxmind is a server with both free databases, in an environment that knows it.
func maxmind(t *testing.T) (*maxmindtest.Server, func(terminal bool, more ...string) result) {
	t.Helper()
	t.Setenv("MAXMIND_ACCOUNT_ID", maxmindtest.AccountID)
	t.Setenv("MAXMIND_LICENSE_KEY", maxmindtest.LicenseKey)
	server := maxmindtest.Start(t)
	for _, edition := range []string{"GeoLite2-City", "GeoLite2-Country"} {
		server.Set(edition, maxmindtest.Database(edition, "one"))
	}
	return server, func(terminal bool, more ...string) result {
		got := runArgs(t.Context(), terminal, append([]string{"geoip", "download", "--endpoint", server.URL}, more...)...)
		if strings.Contains(got.out+got.err, maxmindtest.LicenseKey) {
			t.Errorf("the output has the license key:\n%s%s", got.out, got.err)
		}
		return got
	}
}

func place(t *testing.T, dir string) string {
	t.Helper()
	r, err := geoip.Open(geoip.Config{Dir: dir})
	if err != nil {
		t.Error(err)
		return ""
	}
	l, err := r.Locate(netip.MustParseAddr("89.160.20.112"))
	if err != nil {
		t.Error(err)
	}
	return l.City
}

// TestGeoIPDownload: what is new comes, what is not does not, and cron hears only of problems.
func TestGeoIPDownload(t *testing.T) {
	server, download := maxmind(t)
	dir := t.TempDir()
	quiet := func(code int, says string) {
		t.Helper()
		got := download(false, "--dir", dir)
		if got.code != code || got.out != "" || says == "" && got.err != "" || !strings.Contains(got.err, says) {
			t.Errorf("got %d, %q, %q; want %d, %q", got.code, got.out, got.err, code, says)
		}
	}
	quiet(exitOK, "")
	quiet(exitOK, "")
	if got := server.Downloads(); got != 2 || place(t, dir) != "one" {
		t.Errorf("%d downloads, and %q", got, place(t, dir))
	}
	download(true, "--dir", dir).want(t, exitOK, "GeoLite2-City: still current, of 2026-11-20\n", "GeoLite2-Country: still current")
	server.Set("GeoLite2-City", maxmindtest.Database("GeoLite2-City", "two"))
	got := download(true, "--dir", dir, "--edition", "GeoLite2-City")
	got.want(t, exitOK, " MB ", "\rGeoLite2-City: downloaded, of 2026-11-20")
	if strings.Contains(got.err, "Country") || place(t, dir) != "two" {
		t.Errorf("got %q, and %q", got.err, place(t, dir))
	}

	// One that cannot be had does not keep the other from coming.
	server.Set("GeoLite2-Country", maxmindtest.Database("GeoLite2-Country", "three"))
	forbidden := func(w http.ResponseWriter, _ *http.Request, edition string) bool {
		if edition == "GeoLite2-City" {
			w.WriteHeader(http.StatusForbidden)
		}
		return edition == "GeoLite2-City"
	}
	server.Change(func() { server.Download = forbidden })
	server.Set("GeoLite2-City", maxmindtest.Database("GeoLite2-City", "four"))
	before := server.Downloads()
	quiet(exitFailed, "qsessions: GeoLite2-City: this account may not download GeoLite2-City\n")
	if got := server.Downloads() - before; got != 2 || place(t, dir) != "two" {
		t.Errorf("%d downloads, and %q", got, place(t, dir))
	}

	// A refused key or a quota is the same for all.
	tooMany := func(w http.ResponseWriter, _ *http.Request, _ string) bool {
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	server.Change(func() { server.Metadata = tooMany })
	quiet(exitFailed, "used up")
	t.Setenv("MAXMIND_LICENSE_KEY", "another")
	requests := len(server.Requests())
	quiet(exitFailed, "GeoLite2-City: the server refuses the account ID or the license key")
	if got := len(server.Requests()) - requests; got != 1 || place(t, dir) != "two" {
		t.Errorf("%d requests with a key that is refused, and %q", got, place(t, dir))
	}
}

// TestGeoIPKey: the key comes from a file or the environment, and is never repeated, wherever it was put by mistake.
func TestGeoIPKey(t *testing.T) {
	server, download := maxmind(t)
	dir, key := t.TempDir(), filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("\n "+maxmindtest.LicenseKey+" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		code int
		args []string
		says string
	}{
		{exitUsage, []string{"--license-key=" + maxmindtest.LicenseKey}, "--license-key-file"},
		{exitUsage, []string{"--license-key", maxmindtest.LicenseKey}, "--license-key-file"},
		{exitUsage, []string{"--licence-key=" + maxmindtest.LicenseKey}, "unknown flag"},
		{exitUsage, []string{maxmindtest.LicenseKey}, "unexpected"},
		{exitUsage, []string{"--" + maxmindtest.LicenseKey}, "unknown flag"},
		{exitFailed, []string{"--account-id", maxmindtest.LicenseKey}, "must be a number"},
		{exitFailed, []string{"--endpoint", "http://x:" + maxmindtest.LicenseKey + "@127.0.0.1"}, "endpoint"},
		{exitFailed, []string{"--license-key-file", filepath.Join(dir, "none")}, "no such file"},
		{exitFailed, []string{"--license-key-file", maxmindtest.LicenseKey}, "no such file"},
		{exitUsage, []string{"--edition", maxmindtest.LicenseKey}, "--edition"},
		{exitUsage, []string{"--edition", "GeoLite2-City," + maxmindtest.LicenseKey}, "--edition"},
		{exitUsage, []string{"--edition=0123456789abcdef"}, "--edition"}, // an older key
		{exitFailed, []string{"--license-key-file", os.DevNull}, "license key is empty"},
		{exitFailed, []string{"--edition", "../x"}, "no edition"},
	} {
		got := download(true, append([]string{"--dir", dir}, test.args...)...)
		if got.code != test.code || !strings.Contains(got.err, test.says) || strings.Contains(got.err, "0123456789abcdef") {
			t.Errorf("%v: got %d, %q; want %d, %q", test.args, got.code, got.err, test.code, test.says)
		}
	}
	if got := server.Requests(); len(got) > 0 {
		t.Errorf("asked for %v", got)
	}
	download(true).want(t, exitUsage, "--dir")
	t.Setenv("MAXMIND_LICENSE_KEY", "")
	download(true, "--dir", dir).want(t, exitUsage, "MAXMIND_LICENSE_KEY")
	download(true, "--dir", dir, "--license-key-file", key).want(t, exitOK, "GeoLite2-City: downloaded")
	t.Setenv("MAXMIND_ACCOUNT_ID", "")
	download(true, "--dir", dir, "--license-key-file", key).want(t, exitUsage, "MAXMIND_ACCOUNT_ID")
	download(true, "--help").want(t, exitOK, "Exit codes:", "MAXMIND_LICENSE_KEY", "cron")
}

// TestDemoGeoIP: a folder without databases is an error, and not a demo without places.
func TestDemoGeoIP(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	runArgs(t.Context(), false, "demo", "--addr=127.0.0.1:0", "--store", storestest.SQLite(t), "--geoip", dir).
		want(t, exitFailed, "neither a City nor a Country database", dir)
}

// TestGeoIPInterrupt runs the program as cron does, looks at its command line in the middle of a download, and ends it with
// Ctrl-C.
func TestGeoIPInterrupt(t *testing.T) {
	server, _ := maxmind(t)
	program, dir := build(t), t.TempDir()
	command := func(ctx context.Context) *exec.Cmd {
		return exec.CommandContext(ctx, program, "geoip", "download", "--endpoint", server.URL, "--dir", dir)
	}
	if out, err := command(t.Context()).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("got %v, %q", err, out)
	}
	server.Set("GeoLite2-City", maxmindtest.Database("GeoLite2-City", "two"))
	begun := make(chan struct{})
	half := func(w http.ResponseWriter, r *http.Request, edition string) bool {
		b := maxmindtest.Archive(edition, maxmindtest.Database(edition, "two"))
		_, _ = w.Write(b[:len(b)/2])
		_ = http.NewResponseController(w).Flush()
		close(begun)
		<-r.Context().Done()
		return true
	}
	server.Change(func() { server.Download = half })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := command(ctx)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-begun
	if title, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "cmdline")); err == nil && strings.Contains(string(title), maxmindtest.LicenseKey) {
		t.Errorf("the command line is %q", title)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	if cmd.ProcessState.ExitCode() != exitFailed || out.String() != "qsessions: interrupted\n" {
		t.Errorf("got %v, %q", err, &out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if len(files) != 2 || slices.ContainsFunc(hidden, func(s string) bool { return strings.HasSuffix(s, ".part") }) || err != nil || place(t, dir) != "one" {
		t.Errorf("got %v, %v, %v, and %q", files, hidden, err, place(t, dir))
	}
}

// TestGeoIPProxy: a proxy of the environment that refuses is an error, without its password.
func TestGeoIPProxy(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") == "" || r.Header.Get("Authorization") != "" {
			t.Errorf("the proxy gets %s with %v", r.Method, r.Header)
		}
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	cmd := exec.CommandContext(t.Context(), build(t), "geoip", "download", "--account-id=1", "--dir", t.TempDir(), "--edition=GeoLite2-City")
	cmd.Env = append(os.Environ(), "MAXMIND_LICENSE_KEY="+maxmindtest.LicenseKey, "HTTPS_PROXY=http://user:pa55word@"+proxy.Listener.Addr().String(), "NO_PROXY=", "no_proxy=")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitFailed || string(out) != "qsessions: GeoLite2-City: updates.maxmind.com cannot be reached: the proxy does not let it through: 407\n" {
		t.Errorf("got %v, %q", err, out)
	}
}
