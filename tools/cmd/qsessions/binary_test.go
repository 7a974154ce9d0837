package main

import (
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// build makes the program as a machine without a C compiler does.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "qsessions")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

func TestBinary(t *testing.T) {
	t.Parallel()
	program := build(t)
	t.Run("demo", func(t *testing.T) { testDemo(t, program) })
	t.Run("exit codes", func(t *testing.T) { testExitCodes(t, program) })
}

// testDemo runs the demo as a newcomer does, uses it, and ends it with Ctrl-C. The usual port is taken meanwhile.
func testDemo(t *testing.T, program string) {
	l, err := net.Listen("tcp", demoAddr)
	taken := err == nil // else somebody else has it, perhaps not for long
	if taken {
		defer l.Close()
	}
	cache := filepath.Join(t.TempDir(), "cache")
	env := append(os.Environ(), "XDG_CACHE_HOME="+cache, "HOME="+cache)

	client := &http.Client{Transport: new(http.Transport), Timeout: time.Minute}
	defer client.CloseIdleConnections()
	var token string
	for _, run := range []struct{ adapter, want string }{
		{"nethttp", "Sign in as alice"}, {"fiber", `<b id="user">alice</b>`}, // the second run knows alice
	} {
		out := newLog()
		cmd := exec.CommandContext(t.Context(), program, "demo", "--adapter", run.adapter)
		cmd.Env, cmd.Stdout, cmd.Stderr = env, out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		t.Cleanup(func() { _ = cmd.Process.Kill() }) // fails if it has ended

		out.wait(t, "Try this:", 1)
		if got := strings.Contains(out.String(), "300 sessions were made up"); got != (token == "") {
			t.Errorf("sessions were made up: %v; want them the first time\n%s", got, out)
		}
		address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).FindString(out.String())
		if address == "" || taken && (strings.Contains(address, demoAddr) || !strings.Contains(out.String(), demoAddr+" cannot be used")) {
			t.Errorf("got address %q, and the usual port is taken by this test (%t):\n%s", address, taken, out)
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if client.Jar, err = cookiejar.New(nil); err != nil {
			t.Fatal(err)
		}
		if token != "" {
			client.Jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: token}})
		}
		if got := body(t, client, address); !strings.Contains(got, run.want) {
			t.Errorf("the page does not say %q:\n%s", run.want, got)
		}
		response, err := client.PostForm(address+"sign-in", url.Values{"user": {"alice"}})
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("the sign-in ends with %s:\n%s", response.Status, out)
		}
		for _, c := range client.Jar.Cookies(u) {
			token = c.Value
		}

		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the demo ended with %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("the demo does not end:\n%s", out)
		}
		if !strings.Contains(out.String(), "The demo has ended.") || strings.Contains(out.String(), token) {
			t.Errorf("got output\n%s", out)
		}
		if c, err := net.Dial("tcp", u.Host); err == nil {
			c.Close()
			t.Errorf("%s still answers", address)
		}
	}
	checkCache(t, filepath.Join(cache, "qsessions"))
}

// checkCache wants a closed database that is nobody else's to read.
func checkCache(t *testing.T, dir string) {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("the directory has mode %o, want 700", got)
	}
	files, err := fs.ReadDir(os.DirFS(dir), ".")
	if err != nil || len(files) != 1 || files[0].Name() != "demo.db" {
		t.Errorf("got files %v, %v; want demo.db alone", files, err)
	}
}

func body(t *testing.T, client *http.Client, address string) string {
	t.Helper()
	response, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// testExitCodes also names the store by the environment.
func testExitCodes(t *testing.T, program string) {
	file := filepath.Join(t.TempDir(), "s.db")
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"migrate", "up"}, exitOK, "applied 0001"},
		{[]string{"migrate", "status"}, exitOK, "applied 20"},
		{[]string{"sweep"}, exitOK, ""},
		{[]string{"sweep", "--table=other"}, exitFailed, "no such table"},
		{[]string{"sweep", "--what"}, exitUsage, "--what"},
	} {
		cmd := exec.CommandContext(t.Context(), program, test.args...)
		cmd.Env = append(cmd.Environ(), "QSESSIONS_STORE=sqlite:"+file)
		out, _ := cmd.CombinedOutput() // the exit code says it
		if got := cmd.ProcessState.ExitCode(); got != test.code || !strings.Contains(string(out), test.want) || test.want == "" && len(out) > 0 {
			t.Errorf("%v: got exit code %d, %q; want %d, %q", test.args, got, out, test.code, test.want)
		}
	}
}
