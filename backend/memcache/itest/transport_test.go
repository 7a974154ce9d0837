package itest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/memcache"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// run runs a server that package testserver cannot ask, and returns how to kill it.
func run(t *testing.T, args ...string) (kill func()) {
	t.Helper()
	testserver.Memcached(t) // skips or fails where there can be none
	if os.Getuid() == 0 {
		args = append(args, "-u", "root")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "memcached", args...)
	must(t, cmd.Start())
	kill = func() {
		cancel()
		_ = cmd.Wait() // it was killed
	}
	t.Cleanup(kill)
	return kill
}

// await returns when the cache answers.
func await(t *testing.T, c *memcachestore.Cache) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); c.Delete(t.Context(), newID()) != nil && time.Now().Before(end); {
		<-tick.C
	}
}

// A unix socket is a server as well.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "qs") // a short path: a socket's has at most 107 bytes
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	path := filepath.Join(dir, "s")
	run(t, "-s", path)
	c := openCache(t, memcachestore.CacheConfig{}, path)
	await(t, c)
	id := newID()
	fill(t, c, id, []byte("copy"))
	holds(t, c, id, []byte("copy"))
	must(t, openStore(t, memcachestore.Config{}, path).Create(t.Context(), record()))
}

// TestTLS: Dial gives TLS, and a restart costs no failed call there either.
func TestTLS(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(web.Close)
	cert := web.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	must(t, err)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	must(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), 0o600))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	must(t, l.Close())
	args := []string{"-l", "127.0.0.1", "-p", port, "-U", "0", "-Z", "-o", "ssl_chain_cert=" + certFile + ",ssl_key=" + keyFile}

	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots}}
	kill := run(t, args...)
	c := openCache(t, memcachestore.CacheConfig{Dial: dialer.DialContext}, "127.0.0.1:"+port)
	await(t, c)
	id, large := newID(), noise(100_000)
	fill(t, c, id, large)
	ticket := holds(t, c, id, large)
	must(t, c.Put(t.Context(), id, ticket, []byte("copy"), time.Minute))
	ticket = holds(t, c, id, []byte("copy"))

	kill()
	run(t, args...)
	await(t, openCache(t, memcachestore.CacheConfig{Dial: dialer.DialContext}, "127.0.0.1:"+port))
	wantErr(t, "Put over a connection of before", c.Put(t.Context(), id, ticket, []byte("stale"), time.Minute), store.ErrConflict)
	lease(t, c, id)
}
