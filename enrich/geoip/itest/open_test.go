package itest

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/enrich/geoip"
)

// bad are files that are no City database, and a part of what the error must say.
func bad(t *testing.T) map[string]struct {
	content []byte
	says    string
} {
	good := cityDatabase(t)
	type file = struct {
		content []byte
		says    string
	}
	tree := bytes.Clone(good)
	for i := range 200 { // nodes that lead behind the end
		tree[i] = 0xfe
	}
	files := map[string]file{
		"empty":           {nil, "no complete database"},
		"text":            {[]byte("<html>Please sign in</html>"), "no complete database"},
		"archive":         {append([]byte("\x1f\x8b\x08\x00"), make([]byte, 4096)...), "no complete database"},
		"zeros":           {make([]byte, len(good)), "no complete database"},
		"beheaded":        {good[len(good)/2:], ""},
		"damaged tree":    {tree, "damaged"},
		"Country":         {countryDatabase(t), "GeoLite2-Country"},
		"ASN":             {made(t, "GeoLite2-ASN", entries{"1.0.0.0/24": {"autonomous_system_number": mmdbtype.Uint32(1)}}), "GeoLite2-ASN"},
		"of another kind": {made(t, "city ipv4", entries{"1.0.0.0/24": {"city": text("x")}}), "city ipv4"},
		"no City inside":  {made(t, "GeoLite2-City", entries{"::/0": {"city": text("x")}, "0.0.0.0/0": {"city": text("x")}}), "damaged"},
	}
	for _, tenths := range []int{1, 5, 9} {
		files[string(rune('0'+tenths))+" tenths"] = file{good[:len(good)*tenths/10], "no complete database"}
	}
	files["one byte less"] = file{good[:len(good)-1], ""}
	return files
}

// TestOpenBad: BAD-25. A file that is missing, truncated, damaged or of another type is one error, which names the field of
// the configuration, and the file.
func TestOpenBad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wrong := func(name string, c geoip.Config, says ...string) {
		t.Helper()
		r, err := geoip.Open(c)
		if err == nil || r != nil {
			t.Errorf("%s: got %v, %v", name, r, err)
			return
		}
		for _, s := range append(says, "geoip: Config.") {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: the error does not say %q: %v", name, s, err)
			}
		}
		if strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
			t.Errorf("%s: the error is not one line: %v", name, err)
		}
	}
	for name, f := range bad(t) {
		path := file(t, "x.mmdb", f.content)
		wrong(name, geoip.Config{City: path}, "Config.City", path, f.says)
		inDir := file(t, "GeoLite2-City.mmdb", f.content)
		put(t, filepath.Join(filepath.Dir(inDir), "GeoLite2-Country.mmdb"), countryDatabase(t))
		wrong(name+" in a folder", geoip.Config{Dir: filepath.Dir(inDir)}, "Config.Dir", inDir, f.says)
	}
	city, country := file(t, "city", cityDatabase(t)), file(t, "country", countryDatabase(t))
	wrong("City as Country", geoip.Config{Country: city}, "Config.Country", "GeoLite2-City")
	wrong("City as Anonymous", geoip.Config{City: city, Anonymous: city}, "Config.Anonymous", "GeoLite2-City")
	wrong("missing", geoip.Config{City: filepath.Join(dir, "none.mmdb"), Country: country}, "Config.City", "none.mmdb")
	wrong("missing Country", geoip.Config{City: city, Country: filepath.Join(dir, "none.mmdb")}, "Config.Country", "none.mmdb")
	wrong("a folder", geoip.Config{City: dir}, "Config.City", "no regular file")
	wrong("empty folder", geoip.Config{Dir: dir}, "Config.Dir", dir, "neither")
	wrong("no folder", geoip.Config{Dir: filepath.Join(dir, "none")}, "Config.Dir", "neither")
	wrong("a file as folder", geoip.Config{Dir: city}, "Config.Dir")

	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	wrong("a pipe", geoip.Config{City: fifo}, "no regular file")

	if _, err := geoip.Open(geoip.Config{City: filepath.Join(dir, "none.mmdb")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: got %v, want fs.ErrNotExist", err)
	}
	large := filepath.Join(dir, "large")
	put(t, large, nil)
	if err := os.Truncate(large, 3<<30); err != nil { // a hole, which takes no room
		t.Fatal(err)
	}
	wrong("3 GiB", geoip.Config{City: large}, "too many")
}

// TestManager: BAD-25. What goes wrong with places costs the places: sessions work, and one warning says why.
func TestManager(t *testing.T) {
	t.Parallel()
	path := file(t, "city.mmdb", cityDatabase(t))
	r := open(t, geoip.Config{City: path})
	var log bytes.Buffer
	m, err := session.New(new(memory.Store), session.Config{
		Enrichers: []session.Enricher{r}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, ip := range []string{somebody, "127.0.0.1", ""} {
		var c session.Client
		if ip != "" {
			c.IP = netip.MustParseAddr(ip)
		}
		ctx, _ := m.Start(t.Context(), c)
		s, err := session.From(ctx)
		if err != nil {
			t.Fatal(err)
		}
		s.Login("alice")
		if _, err := m.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		m.Close(ctx)
	}
	places := func(languages ...string) (all []string) {
		list, err := session.Collect(m.Sessions(geoip.WithLanguages(t.Context(), languages...), "alice"))
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range list {
			all = append(all, info.Location.String())
		}
		slices.Sort(all)
		return all
	}
	if got := strings.Join(places(), "|"); got != "||Linköping, Sweden" || log.Len() > 0 {
		t.Errorf("got %q, and the log\n%s", got, &log)
	}
	if got := strings.Join(places("sv", "ja"), "|"); got != "||リンシェーピング, スウェーデン王国" {
		t.Errorf("in the language of who reads: got %q", got)
	}
	if err := os.Remove(path); err != nil { // it is in memory
		t.Fatal(err)
	}
	if got := strings.Join(places(), "|"); got != "||Linköping, Sweden" || log.Len() > 0 {
		t.Errorf("without the file: got %q, and the log\n%s", got, &log)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(places(), "|"); got != "||" || strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("closed: got %q, and the log\n%s", got, &log)
	}
	if _, err := r.Locate(netip.MustParseAddr(somebody)); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Locate: got %v, want fs.ErrClosed", err)
	}
	if err := r.Reload(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Reload: got %v, want fs.ErrClosed", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close a second time: %v", err)
	}
}
