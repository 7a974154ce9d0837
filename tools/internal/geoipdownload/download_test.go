package geoipdownload

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qsessions/qsessions/enrich/geoip"
	"github.com/qsessions/qsessions/tools/internal/geoipdownload/maxmindtest"
	"github.com/qsessions/qsessions/tools/internal/mmdb"
)

const city = "GeoLite2-City"

// A folder with an old database, and a server with a new one.
type setup struct {
	dir    string
	server *maxmindtest.Server
	cfg    Config
}

func newSetup(t *testing.T) *setup {
	t.Helper()
	s := &setup{dir: t.TempDir(), server: maxmindtest.Start(t)}
	s.server.Set(city, maxmindtest.Database(city, "new"))
	if err := os.WriteFile(s.path(), maxmindtest.Database(city, "old"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.cfg = Config{AccountID: maxmindtest.AccountID, LicenseKey: maxmindtest.LicenseKey, Endpoint: s.server.URL, Dir: s.dir, Stall: 10 * time.Second}
	return s
}

func (s *setup) path() string { return filepath.Join(s.dir, city+".mmdb") }

func (s *setup) update(ctx context.Context, t *testing.T) (Result, error) {
	t.Helper()
	c, err := New(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	res, err := c.Update(ctx, city)
	if err != nil && strings.Contains(err.Error(), maxmindtest.LicenseKey) {
		t.Errorf("the error has the license key: %v", err)
	}
	for _, r := range s.server.Requests() {
		if strings.Contains(r, maxmindtest.LicenseKey) {
			t.Errorf("the address has the license key: %s", r)
		}
	}
	return res, err
}

// has wants the file to answer with a city, to be the only one, and everybody's to read if it is new.
func (s *setup) has(t *testing.T, want string) {
	t.Helper()
	r, err := geoip.Open(geoip.Config{Dir: s.dir})
	if err != nil {
		t.Errorf("%s: %v", t.Name(), err)
		return
	}
	l, err := r.Locate(netip.MustParseAddr("89.160.20.112"))
	if err != nil || l.String() != want+", Sweden" {
		t.Errorf("got %q, %v; want %s", l, err, want)
	}
	files, err := fs.ReadDir(os.DirFS(s.dir), ".")
	if err != nil || len(files) != 1 {
		t.Errorf("got files %v, %v; want the database alone", files, err)
	}
	info, err := os.Stat(s.path())
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); want == "new" && mode != 0o644 || want == "old" && mode != 0o600 {
		t.Errorf("got mode %o", mode)
	}
}

// TestFresh: a new database replaces the old one, or comes where there is none; and it is downloaded once.
func TestFresh(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	var got, all int64
	s.cfg.Progress = func(_ string, g, a int64) { got, all = g, a }
	for _, prepare := range []func() error{func() error { return nil }, func() error { return os.Remove(s.path()) }} {
		if err := prepare(); err != nil {
			t.Fatal(err)
		}
		before := s.server.Downloads()
		res, err := s.update(t.Context(), t)
		if want := (Result{Path: s.path(), Date: "2026-11-20", New: true}); err != nil || res != want {
			t.Errorf("got %+v, %v; want %+v", res, err, want)
		}
		s.has(t, "new")
		for range 3 {
			if res, err := s.update(t.Context(), t); err != nil || res.New || res.Date != "2026-11-20" {
				t.Errorf("unchanged: got %+v, %v", res, err)
			}
		}
		s.has(t, "new")
		if n := s.server.Downloads() - before; n != 1 {
			t.Errorf("%d downloads, want 1", n)
		}
		if want := int64(len(maxmindtest.Archive(city, maxmindtest.Database(city, "new")))); got == 0 || got > want || all != want {
			t.Errorf("progress: %d of %d, want up to %d", got, all, want)
		}
	}
}

// TestContentEncoding: a server that calls the packing of the archive an encoding of the answer does no harm.
func TestContentEncoding(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.server.Download = func(w http.ResponseWriter, _ *http.Request, _ string) bool {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(maxmindtest.Archive(city, maxmindtest.Database(city, "new")))
		return true
	}
	if _, err := s.update(t.Context(), t); err != nil {
		t.Error(err)
	}
	s.has(t, "new")
}

// answer is a hook that answers with a status and bytes.
func answer(status int, body []byte) func(http.ResponseWriter, *http.Request, string) bool {
	return func(w http.ResponseWriter, _ *http.Request, _ string) bool {
		w.WriteHeader(status)
		_, _ = w.Write(body)
		return true
	}
}

// TestBad: whatever goes wrong has its own message, and the old database is still there and answers.
func TestBad(t *testing.T) {
	t.Parallel()
	good := maxmindtest.Archive(city, maxmindtest.Database(city, "new"))
	evil := maxmindtest.Database(city, "evil")
	file := func(name string) maxmindtest.File { return maxmindtest.File{Name: name, Data: evil} }
	// sum makes the server promise what it sends, so that not only the checksum refuses it.
	sum := func(s *maxmindtest.Server, b []byte) {
		h := md5.Sum(b)
		s.Metadata = answer(200, fmt.Appendf(nil, `{"databases":[{"edition_id":%q,"date":"2026-11-20","md5":%q}]}`, city, hex.EncodeToString(h[:])))
	}
	packed := func(files ...maxmindtest.File) func(*setup) {
		return func(s *setup) {
			sum(s.server, evil)
			s.server.Download = answer(200, maxmindtest.Pack(files...))
		}
	}
	metadata := func(status int, body string) func(*setup) {
		return func(s *setup) { s.server.Metadata = answer(status, []byte(body)) }
	}
	download := func(status int, body []byte) func(*setup) {
		return func(s *setup) { s.server.Download = answer(status, body) }
	}
	tests := map[string]struct {
		spoil func(*setup)
		says  string
	}{
		"wrong key":               {func(s *setup) { s.cfg.LicenseKey = "wrong" }, "refuses the account ID or the license key"},
		"wrong account":           {func(s *setup) { s.cfg.AccountID = "7" }, "refuses the account ID or the license key"},
		"quota at once":           {metadata(429, `{"code":"LIMIT_EXCEEDED"}`), "used up"},
		"quota":                   {download(429, nil), "used up"},
		"not allowed":             {download(403, nil), "may not download " + city},
		"not paid":                {download(402, nil), "may not download " + city},
		"unknown edition":         {metadata(404, ""), "no edition " + city},
		"server error":            {download(503, nil), "503 Service Unavailable"},
		"metadata is HTML":        {metadata(200, "<html>"), "no JSON"},
		"metadata of nothing":     {metadata(200, `{"databases":[]}`), "does not say"},
		"metadata of another":     {metadata(200, `{"databases":[{"edition_id":"x","date":"2026-11-20","md5":"0123456789abcdef0123456789abcdef"}]}`), "does not say"},
		"metadata with bad date":  {metadata(200, `{"databases":[{"edition_id":"GeoLite2-City","date":"../../x","md5":"0123456789abcdef0123456789abcdef"}]}`), "does not say"},
		"metadata without end":    {metadata(200, strings.Repeat(" ", 1<<20)+`{"databases":[{"edition_id":"GeoLite2-City","date":"2026-11-20","md5":"0123456789abcdef0123456789abcdef"}]}`), "no JSON"},
		"truncated":               {download(200, good[:len(good)*2/3]), "ended too early"},
		"empty":                   {download(200, nil), "no archive"},
		"HTML":                    {download(200, []byte("<html>please sign in to the network</html>")), "no archive"},
		"not a tar":               {download(200, zipped(bytes.Repeat([]byte("x"), 4096))), "no archive"},
		"wrong checksum":          {download(200, maxmindtest.Archive(city, evil)), "checksum is wrong"},
		"damaged on the way":      {download(200, flipped(good)), ""},
		"no database":             {packed(maxmindtest.File{Name: "x/README", Data: []byte("x")}), "no GeoLite2-City.mmdb in the archive"},
		"another edition":         {packed(file("x/GeoLite2-Country.mmdb")), "no GeoLite2-City.mmdb in the archive"},
		"path traversal":          {packed(file("../../" + city + ".mmdb")), "leads out of its folder"},
		"traversal on the way":    {packed(maxmindtest.File{Name: "../../../../etc/cron.d/x", Data: []byte("x")}, file("x/"+city+".mmdb")), "leads out of its folder"},
		"absolute path":           {packed(file("/etc/" + city + ".mmdb")), "leads out of its folder"},
		"symbolic link":           {packed(maxmindtest.File{Name: "x/" + city + ".mmdb", Type: tar.TypeSymlink, Link: "/etc/passwd"}), "no GeoLite2-City.mmdb"},
		"hard link":               {packed(maxmindtest.File{Name: "x/" + city + ".mmdb", Type: tar.TypeLink, Link: "/etc/passwd"}), "no GeoLite2-City.mmdb"},
		"no database inside":      {inside([]byte("not a database"), sum), "does not work"},
		"damaged before the sum":  {inside(evil[:len(evil)-5], sum), "does not work"},
		"nothing in the database": {inside(nothing(t), sum), "nothing in it"},
		"said to be 10 GB": {func(s *setup) {
			s.server.Download = func(w http.ResponseWriter, _ *http.Request, _ string) bool {
				w.Header().Set("Content-Length", "10000000000")
				w.WriteHeader(http.StatusOK)
				return true
			}
		}, "too large: 10000000000"},
		"10 GB of zeros": {func(s *setup) {
			s.cfg.MaxSize = 8 << 20
			s.server.Download = bomb(t, city+"_20261120/"+city+".mmdb", gzip.BestSpeed)
		}, "too large"},
		"10 GB of zeros beside": {func(s *setup) {
			s.cfg.MaxSize = 8 << 20
			s.server.Download = bomb(t, "x/other", gzip.BestSpeed)
		}, "too large"},
		"10 GB, not packed": {func(s *setup) {
			s.cfg.MaxSize = 8 << 20
			s.server.Download = bomb(t, "x/other", gzip.NoCompression)
		}, "too large"},
		"10 GB of nothing": {func(s *setup) {
			s.cfg.MaxSize = 1 << 20
			s.server.Download = func(w http.ResponseWriter, _ *http.Request, _ string) bool {
				empty := bytes.Repeat(zipped(nil), 1000) // archives may be in parts
				for sent := 0; sent < 10_000_000_000; sent += len(empty) {
					if _, err := w.Write(empty); err != nil {
						break
					}
				}
				return true
			}
		}, "too large"},
		"stall of the metadata": {func(s *setup) {
			s.cfg.Stall = 50 * time.Millisecond
			s.server.Metadata = func(_ http.ResponseWriter, r *http.Request, _ string) bool { <-r.Context().Done(); return true }
		}, city + ": the server has stopped sending"},
		"stall in the middle": {func(s *setup) {
			s.cfg.Stall = 300 * time.Millisecond
			s.server.Download = func(w http.ResponseWriter, r *http.Request, _ string) bool {
				_, _ = w.Write(good[:100])
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
				return true
			}
		}, city + ": the server has stopped sending"},
		"too slow": {func(s *setup) {
			s.cfg.Timeout = 300 * time.Millisecond
			s.server.Download = func(w http.ResponseWriter, r *http.Request, _ string) bool { <-r.Context().Done(); return true }
		}, city + ": the download takes longer than 300ms"},
		"cut off": {func(s *setup) {
			s.server.Download = func(w http.ResponseWriter, _ *http.Request, _ string) bool {
				w.Header().Set("Content-Length", fmt.Sprint(len(good)))
				_, _ = w.Write(good[:200])
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}
		}, "ended too early"},
		"gone": {func(s *setup) { s.cfg.Endpoint = "http://127.0.0.1:1" }, "127.0.0.1:1 cannot be reached"},
		"redirect in circles": {func(s *setup) {
			s.server.Download = func(w http.ResponseWriter, r *http.Request, _ string) bool {
				http.Redirect(w, r, r.URL.String(), http.StatusFound)
				return true
			}
		}, "redirects too often"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			test.spoil(s)
			res, err := s.update(t.Context(), t)
			if err == nil || res != (Result{}) || !strings.Contains(err.Error(), test.says) || !strings.HasPrefix(err.Error(), city+": ") {
				t.Errorf("got %+v, %v; want an error that says %q", res, err, test.says)
			}
			s.has(t, "old")
			if want := strings.Contains(test.says, "refuses"); errors.Is(err, ErrRefused) != want {
				t.Errorf("is ErrRefused: %t", !want)
			}
			if want := strings.Contains(test.says, "used up"); errors.Is(err, ErrQuota) != want {
				t.Errorf("is ErrQuota: %t", !want)
			}
		})
	}
}

// inside is an archive with something else, of which the checksum is right.
func inside(b []byte, sum func(*maxmindtest.Server, []byte)) func(*setup) {
	return func(s *setup) {
		sum(s.server, b)
		s.server.Download = answer(200, maxmindtest.Archive(city, b))
	}
}

func zipped(b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write(b)
	_ = w.Close()
	return z.Bytes()
}

func flipped(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)/2] ^= 0x10
	return b
}

// bomb sends an archive with a file of 10 GB of zeros as long as somebody reads.
func bomb(t *testing.T, name string, level int) func(http.ResponseWriter, *http.Request, string) bool {
	return func(w http.ResponseWriter, _ *http.Request, _ string) bool {
		const size = 10_000_000_000
		z, err := gzip.NewWriterLevel(w, level)
		if err != nil {
			t.Error(err)
			return true
		}
		archive := tar.NewWriter(z)
		if err := archive.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: size}); err != nil {
			return true // the client has had enough
		}
		block := make([]byte, 1<<20)
		for range size / len(block) {
			if _, err := archive.Write(block); err != nil {
				return true
			}
		}
		t.Error("somebody took 10 GB")
		return true
	}
}

// TestSizeIsBelieved: a file that says it is too large is refused before it fills the disk.
func TestSizeIsBelieved(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]error{1000: nil, 1001: errTooLarge} {
		var w bytes.Buffer
		err := extract(bytes.NewReader(maxmindtest.Archive(city, make([]byte, size))), city+".mmdb", 1000, &w)
		if !errors.Is(err, want) || want != nil && w.Len() > 0 {
			t.Errorf("%d bytes: got %v after %d bytes", size, err, w.Len())
		}
	}
}

// FuzzExtract: whatever the archive is, no more than the size is written, and it is an error if that is not the whole file.
func FuzzExtract(f *testing.F) {
	f.Add(maxmindtest.Archive(city, []byte("database")))
	f.Add(maxmindtest.Pack(maxmindtest.File{Name: "../x", Data: []byte("x")}, maxmindtest.File{Name: "x/" + city + ".mmdb", Type: tar.TypeSymlink, Link: "x"}))
	f.Fuzz(func(t *testing.T, plain []byte) {
		for _, b := range [][]byte{plain, zipped(plain)} {
			const most = 100
			var w bytes.Buffer
			if err := extract(bytes.NewReader(b), city+".mmdb", most, &w); w.Len() > most {
				t.Errorf("wrote %d bytes, %v", w.Len(), err)
			}
		}
	})
}

// nothing is a database without networks.
func nothing(t *testing.T) []byte {
	b, err := mmdb.City(time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestInterrupted: Ctrl-C at any moment leaves the old database, and nothing else.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for name, hook := range map[string]func(s *setup, stop func()){
		"before": func(_ *setup, stop func()) { stop() },
		"metadata": func(s *setup, stop func()) {
			s.server.Metadata = func(_ http.ResponseWriter, r *http.Request, _ string) bool {
				stop()
				<-r.Context().Done()
				return true
			}
		},
		"download": func(s *setup, stop func()) {
			good := maxmindtest.Archive(city, maxmindtest.Database(city, "new"))
			s.server.Download = func(w http.ResponseWriter, r *http.Request, _ string) bool {
				_, _ = w.Write(good[:len(good)-20])
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
				return true
			}
			s.cfg.Progress = func(string, int64, int64) { stop() }
		},
		"last byte": func(s *setup, stop func()) { s.cfg.Progress = func(string, int64, int64) { stop() } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			hook(s, cancel)
			if res, err := s.update(ctx, t); !errors.Is(err, context.Canceled) || res != (Result{}) {
				t.Errorf("got %+v, %v; want context.Canceled", res, err)
			}
			s.has(t, "old")
		})
	}
}

// TestRedirect: the file may be elsewhere, where the key is not sent, and where the way to it is no error's business.
func TestRedirect(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	var asked, status atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		for name, values := range r.Header {
			if name == "Authorization" || strings.Contains(strings.Join(values, ""), maxmindtest.LicenseKey) {
				t.Errorf("%s: %s is sent elsewhere", name, values)
			}
		}
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write(maxmindtest.Archive(city, maxmindtest.Database(city, "new")))
	}))
	defer elsewhere.Close()
	other := strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1) // another host, as the http package sees it
	s.server.Download = func(w http.ResponseWriter, r *http.Request, _ string) bool {
		http.Redirect(w, r, other+"/x?signature=s3cret", http.StatusFound)
		return true
	}
	status.Store(http.StatusServiceUnavailable)
	if _, err := s.update(t.Context(), t); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
	s.has(t, "old")
	status.Store(http.StatusOK)
	if _, err := s.update(t.Context(), t); err != nil || asked.Load() != 2 {
		t.Errorf("got %v after %d requests", err, asked.Load())
	}
	s.has(t, "new")
	elsewhere.Close()
	s.server.Set(city, maxmindtest.Database(city, "newer"))
	if _, err := s.update(t.Context(), t); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("nobody there: got %v", err)
	}
	s.has(t, "new")
}

// TestDowngrade: a redirect from https to http is refused, as anybody on the way could answer it.
func TestDowngrade(t *testing.T) {
	t.Parallel()
	from, to := httptest.NewRequest(http.MethodGet, "https://a.example/", nil), httptest.NewRequest(http.MethodGet, "http://a.example/", nil)
	if err := redirect(to, []*http.Request{from}); err == nil {
		t.Error("followed")
	}
	if err := redirect(from, []*http.Request{from, from}); err != nil {
		t.Error(err)
	}
}

// TestConfig: what cannot be is refused before anything is sent.
func TestConfig(t *testing.T) {
	t.Parallel()
	const key = "s3cret_key"
	for name, c := range map[string]Config{
		"no account":        {LicenseKey: key},
		"account with text": {AccountID: "12a", LicenseKey: key},
		"no key":            {AccountID: "1"},
		"key with a space":  {AccountID: "1", LicenseKey: key + " x"},
		"key with a line":   {AccountID: "1", LicenseKey: key + "\n"},
		"plain http":        {AccountID: "1", LicenseKey: key, Endpoint: "http://updates.maxmind.com"},
		"no scheme":         {AccountID: "1", LicenseKey: key, Endpoint: "updates.maxmind.com"},
		"ftp":               {AccountID: "1", LicenseKey: key, Endpoint: "ftp://127.0.0.1"},
		"with a user":       {AccountID: "1", LicenseKey: key, Endpoint: "https://u:" + key + "@h"},
		"with a query":      {AccountID: "1", LicenseKey: key, Endpoint: "https://h/?" + key},
		"not a URL":         {AccountID: "1", LicenseKey: key, Endpoint: "https://h/%zz" + key},
	} {
		if _, err := New(c); err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, endpoint := range []string{"", "https://mirror.example/maxmind/", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost"} {
		if _, err := New(Config{AccountID: "1", LicenseKey: key, Endpoint: endpoint}); err != nil {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
	s := newSetup(t)
	c, err := New(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, edition := range []string{"", "..", "../x", "a/b", "a b", "-a", "a.mmdb", strings.Repeat("x", 65), "x?y=z"} {
		if _, err := c.Update(t.Context(), edition); err == nil || !strings.Contains(err.Error(), "no edition") {
			t.Errorf("%q: got %v", edition, err)
		}
	}
	if got := s.server.Requests(); len(got) != 0 {
		t.Errorf("asked for %v", got)
	}
	s.cfg.Dir = filepath.Join(s.dir, "nowhere")
	if _, err := s.update(t.Context(), t); !errors.Is(err, fs.ErrNotExist) || s.server.Downloads() != 0 {
		t.Errorf("no folder: got %v after %d downloads", err, s.server.Downloads())
	}
}

// TestLeftovers: what a killed download left goes after a day, and nothing else does.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	old, fresh, other := "."+city+".mmdb.123.part", "."+city+".mmdb.456.part", "."+city+".mmdb.txt"
	for _, name := range []string{old, fresh, other} {
		if err := os.WriteFile(filepath.Join(s.dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-25 * time.Hour)
	for _, name := range []string{old, other} {
		if err := os.Chtimes(filepath.Join(s.dir, name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.update(t.Context(), t); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{old: false, fresh: true, other: true} {
		if _, err := os.Stat(filepath.Join(s.dir, name)); (err == nil) != want {
			t.Errorf("%s: there is %t, want %t", name, err == nil, want)
		}
	}
}
