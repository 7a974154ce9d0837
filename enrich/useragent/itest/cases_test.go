package itest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ua-parser/uap-go/uaparser"
	"gopkg.in/yaml.v3"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/enrich/useragent"
)

// parts is what the cases and the library say of one thing, with "" for what they call Other.
type parts [5]string

func said(family string, more ...string) parts {
	if family == "Other" {
		family = ""
	}
	p := parts{family}
	copy(p[1:], more)
	return p
}

// suites are the cases of uap-core: a file, what it says of a User-Agent, what the library says, and what the Device does.
var suites = []struct {
	file    string
	want    func(c testCase) parts
	library func(p *uaparser.Parser, ua string) parts
	ours    func(d session.Device) parts
}{
	{
		"tests/test_device.yaml",
		func(c testCase) parts { return said(c.Family, c.Brand, c.Model) },
		func(p *uaparser.Parser, ua string) parts {
			d := p.ParseDevice(ua)
			return said(d.Family, d.Brand, d.Model)
		},
		func(d session.Device) parts { return said(d.Family, d.Brand, d.Model) },
	},
	{
		"tests/test_os.yaml",
		func(c testCase) parts { return said(c.Family, c.Major, c.Minor, c.Patch, c.PatchMinor) },
		func(p *uaparser.Parser, ua string) parts {
			o := p.ParseOs(ua)
			return said(o.Family, o.Major, o.Minor, o.Patch, o.PatchMinor)
		},
		func(d session.Device) parts {
			return said(d.OS.Name, d.OS.Major, d.OS.Minor, d.OS.Patch, d.OS.PatchMinor)
		},
	},
	{
		"tests/test_ua.yaml",
		func(c testCase) parts { return said(c.Family, c.Major, c.Minor, c.Patch) },
		func(p *uaparser.Parser, ua string) parts {
			a := p.ParseUserAgent(ua)
			return said(a.Family, a.Major, a.Minor, a.Patch)
		},
		func(d session.Device) parts {
			return said(d.Browser.Name, d.Browser.Major, d.Browser.Minor, d.Browser.Patch)
		},
	},
}

type testCase struct {
	UserAgent  string `yaml:"user_agent_string"`
	Family     string `yaml:"family"`
	Brand      string `yaml:"brand"`
	Model      string `yaml:"model"`
	Major      string `yaml:"major"`
	Minor      string `yaml:"minor"`
	Patch      string `yaml:"patch"`
	PatchMinor string `yaml:"patch_minor"`
}

// TestCases: the Device says of uap-core's own test cases what they demand, as often as uap-go does. Both are printed. With
// the expressions that belong to the cases nearly all of them must be right; those that are built in are newer.
func TestCases(t *testing.T) {
	dir := debian(t)
	regexes, err := os.ReadFile(filepath.Join(dir, "regexes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range []struct {
		name    string
		regexes []byte
		least   float64 // share of cases that must be right
		each    int
	}{
		{"built in", nil, 0.95, each},
		{"of the same release", regexes, 0.99, 10 * each},
		{"npm " + npmVersion, npm(t), 0.95, 10 * each},
	} {
		t.Run(run.name, func(t *testing.T) {
			ours, err := useragent.New(useragent.Config{Regexes: run.regexes})
			if err != nil {
				t.Fatal(err)
			}
			library, err := alone(run.regexes)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range suites {
				cases := read(t, filepath.Join(dir, s.file))
				n, right, rightLibrary, differ := 0, 0, 0, 0
				for i := 0; i < len(cases); i += run.each {
					c := cases[i]
					if strings.Contains(c.UserAgent, "(Macintosh;") && strings.Contains(c.UserAgent, "Mac OS X 10_15") {
						continue // browsers have frozen that; the library takes an iPad for a Mac
					}
					n++
					want, theirs, got := s.want(c), s.library(library, c.UserAgent), s.ours(ours.Parse(c.UserAgent, session.Hints{}))
					if got == want {
						right++
					}
					if theirs == want {
						rightLibrary++
					}
					if got != theirs {
						if differ++; differ <= 5 {
							t.Errorf("%q\nwe say     %q\nuap-go says %q", c.UserAgent, got, theirs)
						}
					}
				}
				report(t, "uap-core %s, expressions %s: of %d cases the Device is right in %d (%.2f %%), uap-go in %d; they differ in %d",
					s.file, run.name, n, right, 100*float64(right)/float64(n), rightLibrary, differ)
				if n == 0 || right != rightLibrary || float64(right) < run.least*float64(n) {
					t.Errorf("%s: %d of %d right, uap-go %d", s.file, right, n, rightLibrary)
				}
			}
		})
	}
}

// report logs, and adds to what `make test` prints.
func report(t *testing.T, format string, arg ...any) {
	t.Helper()
	line := fmt.Sprintf(format, arg...)
	t.Log(line)
	path := os.Getenv("QSESSIONS_TEST_REPORT")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, "useragent: "+line); err != nil {
		t.Fatal(err)
	}
}

// alone returns the library without us.
func alone(regexes []byte) (*uaparser.Parser, error) {
	if regexes == nil {
		return uaparser.New()
	}
	var d uaparser.RegexDefinitions
	if err := yaml.Unmarshal(regexes, &d); err != nil {
		return nil, err
	}
	return uaparser.New(uaparser.WithRegexDefinitions(d))
}

func read(t *testing.T, file string) []testCase {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Cases []testCase `yaml:"test_cases"`
	}
	if err := yaml.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	return f.Cases
}
