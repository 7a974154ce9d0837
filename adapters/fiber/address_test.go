package fibersession_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// TestUnixSocket: RPT-35. The peer of a Unix socket is trusted if the configuration says so, whatever its name is.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	abstract := fmt.Sprintf("@qsessions-fiber-%d", os.Getpid())
	for _, row := range []struct {
		name, network, address string
		from                   string // what the client binds
		trust                  bool
		want                   string
	}{
		{"trusted", "unix", filepath.Join(dir, "a"), "", true, "198.51.100.7"},
		{"not trusted", "unix", filepath.Join(dir, "b"), "", false, "invalid IP"},
		{"abstract", "unix", abstract, abstract + "-client", true, "198.51.100.7"},
		{"a client with a name", "unix", filepath.Join(dir, "c"), filepath.Join(dir, "client"), true, "198.51.100.7"},
		{"TCP", "tcp", "127.0.0.1:0", "", true, "127.0.0.1"},
	} {
		ip, err := clientip.New(clientip.Config{Unix: row.trust})
		if err != nil {
			t.Fatal(err)
		}
		m, err := session.New(new(memory.Store), session.Config{})
		if err != nil {
			t.Fatal(err)
		}
		app := fiber.New()
		app.Use(fibersession.New(m, fibersession.Config{ClientIP: ip}))
		app.Get("/", fibersession.With(m, func(c fiber.Ctx, s session.Session) error { return c.SendString(s.Info().IP.String()) }))
		l, err := net.Listen(row.network, row.address)
		if err != nil {
			if runtime.GOOS == "linux" {
				t.Fatal(err)
			}
			t.Skip(err) // no Unix sockets, or none without a file
		}
		start(t, app, l)
		transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			if row.from != "" {
				d.LocalAddr = &net.UnixAddr{Name: row.from, Net: "unix"}
			}
			return d.DialContext(ctx, l.Addr().Network(), l.Addr().String())
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
