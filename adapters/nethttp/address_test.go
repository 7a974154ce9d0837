package nethttp_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// TestUnixSocket: RPT-35, RPT-37. The peer of a Unix socket is known by the connection, also where its name is abstract, it has
// bound a file, or the socket was passed to the process. What other middleware wrote into RemoteAddr makes no peer of a Unix
// socket; and an address that it wrote there is the client's own choice.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unix := func(name string) net.Listener { return listen(t, "unix", name) }
	passed := func(l net.Listener) net.Listener { // as systemd does
		f, err := l.(*net.UnixListener).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		inherited, err := net.FileListener(f)
		if err != nil {
			t.Fatal(err)
		}
		return inherited
	}
	abstract := fmt.Sprintf("@qsessions-%d", os.Getpid())
	for _, row := range []struct {
		name     string
		listener net.Listener
		from     string // what the client binds
		rewrite  string // RemoteAddr by middleware in front
		trust    bool
		want     string
	}{
		{"trusted", unix(filepath.Join(dir, "a")), "", "", true, "198.51.100.7"},
		{"not trusted", unix(filepath.Join(dir, "b")), "", "", false, "invalid IP"},
		{"abstract", unix(abstract), abstract + "-client", "", true, "198.51.100.7"},
		{"abstract, not trusted", unix(abstract + "-2"), abstract + "-client-2", "", false, "invalid IP"},
		{"a client with a name", unix(filepath.Join(dir, "c")), filepath.Join(dir, "client"), "", true, "198.51.100.7"},
		{"passed to the process", passed(unix(filepath.Join(dir, "d"))), "", "", true, "198.51.100.7"},
		{"rewritten", unix(filepath.Join(dir, "e")), "", "203.0.113.9", true, "198.51.100.7"},
		{"TCP", listen(t, "tcp", "127.0.0.1:0"), "", "", true, "127.0.0.1"},
		{"TCP, rewritten", listen(t, "tcp", "127.0.0.1:0"), "", "203.0.113.9", true, "invalid IP"},
		{"TCP, rewritten to a name", listen(t, "tcp", "127.0.0.1:0"), "", "@", true, "invalid IP"},
		{"TCP, rewritten to nothing", listen(t, "tcp", "127.0.0.1:0"), "", " ", true, "invalid IP"},
	} {
		ip, err := clientip.New(clientip.Config{Unix: row.trust})
		if err != nil {
			t.Fatal(err)
		}
		m, err := session.New(new(memory.Store), session.Config{})
		if err != nil {
			t.Fatal(err)
		}
		site := nethttp.New(m, nethttp.Config{ClientIP: ip})
		h := site.Handler(site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) { fmt.Fprint(w, s.Info().IP) }))
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if row.rewrite != "" {
				r.RemoteAddr = strings.TrimSpace(row.rewrite)
			}
			h.ServeHTTP(w, r)
		})}
		go server.Serve(row.listener)
		t.Cleanup(func() { server.Close() })
		transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			if row.from != "" {
				d.LocalAddr = &net.UnixAddr{Name: row.from, Net: "unix"}
			}
			return d.DialContext(ctx, row.listener.Addr().Network(), row.listener.Addr().String())
		}}
		t.Cleanup(transport.CloseIdleConnections)
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://app/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", "9.9.9.9, 198.51.100.7")
		answer, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		got, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || string(got) != row.want {
			t.Errorf("%s: the client is %s (%v), want %s", row.name, got, err, row.want)
		}
	}
}

// TestWarned: RPT-37. The documentation warns of middleware that lets clients choose their address, where it is looked for.
func TestWarned(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"middleware.go", "../../core/clientip/resolver.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"RealIP", "ProxyHeaders", "RemoteAddr"} {
			if !strings.Contains(string(text), word) {
				t.Errorf("%s does not speak of %s", file, word)
			}
		}
	}
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		if runtime.GOOS == "linux" {
			t.Fatal(err)
		}
		t.Skip(err) // no Unix sockets, or none without a file
	}
	return l
}
