// Package maxmindtest is a server that speaks MaxMind's download protocol, well and badly, on the loopback.
package maxmindtest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/tools/internal/mmdb"
)

// What the server takes.
const (
	AccountID  = "123456"
	LicenseKey = "hunter2_s3cretLicenseKey_mmk"
)

// A Server has one database of each edition. Its hooks are set before it is used, or in Change.
type Server struct {
	URL string

	// Metadata and Download answer instead of the server, if they are set and return true.
	Metadata, Download Hook

	mu        sync.Mutex
	databases map[string][]byte
	requests  []string
}

// A Hook answers a request for an edition, or returns false.
type Hook func(w http.ResponseWriter, r *http.Request, edition string) bool

// Start runs a server until the test ends.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{databases: map[string][]byte{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /geoip/updates/metadata", s.metadata)
	mux.HandleFunc("GET /geoip/databases/{edition}/download", s.download)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.URL.String())
		s.mu.Unlock()
		if id, key, _ := r.BasicAuth(); id != AccountID || key != LicenseKey {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"code":"AUTHORIZATION_INVALID","error":"Your account ID or license key ` + key + ` could not be authenticated."}`))
			return
		}
		mux.ServeHTTP(w, r)
	}))
	tb.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Set is the database of an edition from now on.
func (s *Server) Set(edition string, database []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.databases[edition] = database
}

// Change runs f, which may set the hooks, between requests.
func (s *Server) Change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *Server) hook(h *Hook) Hook {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *h
}

// Requests returns the addresses that were asked for.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Downloads counts the requests for databases.
func (s *Server) Downloads() int {
	n := 0
	for _, r := range s.Requests() {
		if strings.Contains(r, "/download?") {
			n++
		}
	}
	return n
}

func (s *Server) database(edition string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.databases[edition]
	return b, ok
}

func (s *Server) metadata(w http.ResponseWriter, r *http.Request) {
	edition := r.FormValue("edition_id")
	if h := s.hook(&s.Metadata); h != nil && h(w, r, edition) {
		return
	}
	b, ok := s.database(edition)
	if !ok {
		http.NotFound(w, r)
		return
	}
	sum := md5.Sum(b)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"databases": []map[string]string{
		{"edition_id": edition, "date": "2026-11-20", "md5": hex.EncodeToString(sum[:])},
	}})
}

func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	edition := r.PathValue("edition")
	if h := s.hook(&s.Download); h != nil && h(w, r, edition) {
		return
	}
	b, ok := s.database(edition)
	if !ok || r.FormValue("date") != "20261120" || r.FormValue("suffix") != "tar.gz" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Last-Modified", "Fri, 20 Nov 2026 10:00:00 GMT")
	_, _ = w.Write(Archive(edition, b))
}

// A File is one of an archive.
type File struct {
	Name string
	Type byte // default: a regular file
	Link string
	Data []byte
}

// Archive packs a database as MaxMind does.
func Archive(edition string, database []byte) []byte {
	dir := edition + "_20261120/"
	return Pack(
		File{Name: dir, Type: tar.TypeDir}, File{Name: dir + "COPYRIGHT.txt", Data: []byte("©")},
		File{Name: dir + edition + ".mmdb", Data: database}, File{Name: dir + "LICENSE.txt", Data: []byte("§")},
	)
}

// Pack packs files.
func Pack(files ...File) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range files {
		h := &tar.Header{Name: f.Name, Typeflag: f.Type, Linkname: f.Link, Mode: 0o644, Size: int64(len(f.Data))}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		must(w.WriteHeader(h))
		_, err := w.Write(f.Data)
		must(err)
	}
	must(w.Close())
	must(z.Close())
	return b.Bytes()
}

// Database returns a City or Country database, by the name of the edition, with one place: 89.160.20.0/24 is in a city of
// that name, in Sweden.
func Database(edition, city string) []byte {
	p := mmdb.Place{
		Network: netip.MustParsePrefix("89.160.20.0/24"), City: city, Country: "Sweden", Code: "SE", Continent: "Europe", ContinentCode: "EU",
		TimeZone: "Europe/Stockholm", Latitude: 58.4, Longitude: 15.6, RadiusKM: 50, EU: true,
	}
	build := mmdb.City
	if strings.Contains(edition, "Country") {
		build = mmdb.Country
		p.Country = city
	}
	b, err := build(time.Unix(1_700_000_000, 0), p)
	must(err)
	return b
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
