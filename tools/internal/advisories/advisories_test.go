package advisories

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestParse makes one finding of the messages for a module and for its packages, and refuses an answer that is no scan.
func TestParse(t *testing.T) {
	const messages = `{"config": {"scanner_name": "govulncheck"}} {"SBOM": {"modules": [{"path": "a"}]}}
		{"osv": {"id": "GO-2001-0001", "summary": "a is wrong"}} {"osv": {"id": "GO-2001-0002", "summary": "unrelated"}}
		{"finding": {"osv": "GO-2001-0003", "trace": [{"module": "b", "version": "v1.0.0"}]}}
		{"finding": {"osv": "GO-2001-0001", "fixed_version": "v1.1.0", "trace": [{"module": "a", "version": "v1.0.0"}]}}
		{"finding": {"osv": "GO-2001-0001", "fixed_version": "v1.1.0", "trace": [{"module": "a", "version": "v1.0.0", "package": "a/y"}]}}
		{"finding": {"osv": "GO-2001-0001", "fixed_version": "v1.1.0", "trace": [{"module": "a", "version": "v1.0.0", "package": "a/x"}]}}
		{"finding": {"osv": "GO-2001-0001", "fixed_version": "v1.1.0", "trace": [{"module": "a", "version": "v1.0.0", "package": "a/x"}]}}`
	got, err := parse(strings.NewReader(messages))
	if err != nil {
		t.Fatal(err)
	}
	want := []Finding{
		{ID: "GO-2001-0001", Summary: "a is wrong", Module: "a", Version: "v1.0.0", Fixed: "v1.1.0", Packages: []string{"a/x", "a/y"}},
		{ID: "GO-2001-0003", Module: "b", Version: "v1.0.0"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	for _, bad := range []string{"", `{"config": {}}`, `{"SBOM": {}} {"find`} {
		if _, err := parse(strings.NewReader(bad)); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}

// TestParseAccepted wants every part of an entry.
func TestParseAccepted(t *testing.T) {
	got, err := ParseAccepted("# a comment\n\nGO-2001-0001 example.org/a 2026-11-30 fixed for Go 1.26 alone\n")
	want := []Accepted{{"GO-2001-0001", "example.org/a", time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), "fixed for Go 1.26 alone"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{
		"GO-2001-0001 example.org/a 2026-11-30", "GO-2001-0001 example.org/a 2026-11-31 a reason", "GO-2001-0001 example.org/a never a reason",
	} {
		if _, err := ParseAccepted(bad); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}

// TestOpen refuses a directory without advisories, against which every program is right.
func TestOpen(t *testing.T) {
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("got no error")
	}
}
