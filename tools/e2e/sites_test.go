package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Two hosts of one site, and another site. Browsers tell sites apart by the registrable domain.
const (
	appHost   = "app.example.test"
	otherHost = "other.example.test"
	alienHost = "alien.test"
)

// An identity is a certificate that the browser takes for good.
type identity struct {
	certificate tls.Certificate
	key         string // the hash of its key, as Chromium wants it
}

func newIdentity() (identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		DNSNames: []string{appHost, otherHost, alienHost}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return identity{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return identity{}, err
	}
	sum := sha256.Sum256(public)
	return identity{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, base64.StdEncoding.EncodeToString(sum[:])}, nil
}

// sites are hosts that one server answers for, by https.
type sites struct {
	t    *testing.T
	port string
}

// startSites serves the handler of each host until the test ends.
func startSites(t *testing.T, hosts map[string]http.Handler) *sites {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := strings.Cut(r.Host, ":")
		if h := hosts[host]; h != nil && r.URL.Path != "/favicon.ico" {
			h.ServeHTTP(w, r)
			return
		}
		http.NotFound(w, r)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{need(t, shared.identity).certificate}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that the browser drops
	server.StartTLS()
	t.Cleanup(server.Close)
	return &sites{t, server.URL[strings.LastIndexByte(server.URL, ':')+1:]}
}

// at returns the address of a path of a host.
func (s *sites) at(host, path string) string { return "https://" + host + ":" + s.port + path }

// visitor opens an empty page that goes from host to host.
func (s *sites) visitor() *tab {
	s.t.Helper()
	p := newTab(s.t, s.at(appHost, ""), desktop)
	p.bad = true // it leaves its origin
	return p
}

// see opens an address and returns what the page says.
func (p *tab) see(address string) string {
	p.t.Helper()
	p.visit(chromedp.Navigate(address))
	return p.says()
}

// follow clicks a button or link that leads to another page, and returns what that says.
func (p *tab) follow(sel string) string {
	p.t.Helper()
	p.visit(chromedp.Click(chromedp.Search(sel), chromedp.NodeVisible))
	return p.says()
}

func (p *tab) says() string {
	p.t.Helper()
	return strings.Join(p.texts("body"), "\n")
}

// document answers with a page.
func document(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, `<!doctype html><html lang="en"><head><title>Site</title></head><body>`+body+`</body></html>`)
}
