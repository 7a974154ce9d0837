package repo

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Rule says what a published module may require, so that nobody who uses it pays for more.
type Rule struct {
	// Require lists the module paths that go.mod may require, ours by their names. Empty: nothing.
	Require []string
	// Graph lists what may appear besides in the module graph of someone who requires the module: requirements of
	// requirements, which are never compiled.
	Graph []string
	// AtLeast has the oldest versions that go.mod may require, by module path: consumers get by requirement what is required.
	AtLeast map[string]string
	// Downloads bounds how many modules a build of every package of the module downloads, itself included.
	Downloads int
	// NoImports lists packages that must not even be imported indirectly.
	NoImports []string
}

// Rules returns the rule of each published module of this repository, by name.
func Rules() map[string]Rule {
	return map[string]Rule{
		"core": {
			Downloads: 1,
			NoImports: []string{"net/http", "testing", "flag"},
		},
		"conformance": {
			Require:   []string{"core"},
			Downloads: 2,
		},
		"adapters/fiber": {
			Require: []string{
				"core",
				"github.com/gofiber/fiber/v3",
				// Of Fiber.
				"github.com/andybalholm/brotli",
				"github.com/gofiber/schema",
				"github.com/gofiber/utils/v2",
				"github.com/google/uuid",
				"github.com/klauspost/compress",
				"github.com/mattn/go-colorable",
				"github.com/mattn/go-isatty",
				"github.com/philhofer/fwd",
				"github.com/tinylib/msgp",
				"github.com/valyala/bytebufferpool",
				"github.com/valyala/fasthttp",
				"golang.org/x/crypto",
				"golang.org/x/net",
				"golang.org/x/sys",
				"golang.org/x/text",
			},
			// Of the tests of those, and of what generates their code.
			Graph: []string{
				"github.com/davecgh/go-spew",
				"github.com/fxamacker/cbor/v2",
				"github.com/pmezard/go-difflib",
				"github.com/shamaton/msgpack/v3",
				"github.com/stretchr/testify",
				"github.com/x448/float16",
				"github.com/xyproto/randomstring",
				"golang.org/x/mod",
				"golang.org/x/sync",
				"golang.org/x/term",
				"golang.org/x/tools",
				"gopkg.in/yaml.v3",
			},
			AtLeast: map[string]string{
				"github.com/gofiber/fiber/v3": "v3.5.0",
				"github.com/valyala/fasthttp": "v1.73.0",
			},
			Downloads: 26,
		},
		"adapters/nethttp": {
			Require:   []string{"core"},
			Downloads: 2,
		},
		"backend/memcache": {
			Require:   []string{"core", "github.com/bradfitz/gomemcache"},
			Downloads: 3,
		},
		"backend/rueidis": {
			Require: []string{
				"core",
				"github.com/redis/rueidis",
				"golang.org/x/sys", // of rueidis
			},
			// Of rueidis's tests.
			Graph: []string{
				"github.com/onsi/gomega",
				"github.com/google/go-cmp",
				"go.yaml.in/yaml/v3",
				"golang.org/x/net",
				"golang.org/x/text",
			},
			Downloads: 9,
		},
		"backend/sqlx": {
			Require: []string{
				"core",
				"github.com/jmoiron/sqlx",
				"github.com/go-sql-driver/mysql",
				"filippo.io/edwards25519", // of the MySQL driver
			},
			Graph:     []string{"github.com/lib/pq", "github.com/mattn/go-sqlite3"}, // of sqlx's tests
			Downloads: 8,
		},
		"enrich/geoip": {
			Require: []string{
				"core",
				"github.com/oschwald/geoip2-golang/v2",
				"github.com/oschwald/maxminddb-golang/v2", // of geoip2
				"golang.org/x/sys",                        // of maxminddb
			},
			// Of geoip2's tests, and of what generates its code.
			Graph: []string{
				"github.com/stretchr/testify",
				"go.yaml.in/yaml/v3",
				"golang.org/x/mod",
				"golang.org/x/sync",
				"golang.org/x/tools",
			},
			Downloads: 7,
		},
		"enrich/useragent": {
			Require: []string{
				"core",
				"github.com/ua-parser/uap-go",
				"gopkg.in/yaml.v3",                // of uap-go, whose type for expressions it reads
				"github.com/hashicorp/golang-lru", // of uap-go
			},
			Graph:     []string{"gopkg.in/check.v1"}, // of yaml's tests
			Downloads: 6,
		},
	}
}

// Allows reports whether the graph of a consumer may hold the module path.
func (rule Rule) Allows(modulePath string) bool {
	name := strings.TrimPrefix(modulePath, Prefix)
	return slices.Contains(rule.Require, name) || slices.Contains(rule.Graph, name)
}

// Version returns the one version that every requirement of our modules by our modules names, and what is wrong with
// those requirements.
func (r *Repo) Version() (version string, problems []string) {
	var versions []string
	for _, m := range r.Modules {
		for _, pin := range m.Pins() {
			versions = append(versions, pin.Version)
		}
	}
	if len(versions) == 0 {
		return "", []string{"no module requires another, so there is no version"}
	}
	// The newest is the one that is about to be released.
	version = slices.MaxFunc(versions, compareVersions)
	for _, m := range r.Modules {
		file := path.Join(m.Name, "go.mod")
		for _, pin := range m.Pins() {
			if pin.Version != version {
				problems = append(problems, fmt.Sprintf("%s: stale pin: requires %s %s, but the version is %s",
					file, pin.Name, pin.Version, version))
			}
			if problem := m.checkReplace(pin.Name); problem != "" {
				problems = append(problems, file+": "+problem)
			}
			if required, ok := r.find(pin.Name); !ok {
				problems = append(problems, fmt.Sprintf("%s: requires %s, which go.work does not use", file, pin.Name))
			} else if m.Published() && !required.Published() {
				problems = append(problems, fmt.Sprintf("%s: a published module requires %s, which is never published", file, pin.Name))
			}
		}
	}
	return version, problems
}

func (r *Repo) find(name string) (Module, bool) {
	i := slices.IndexFunc(r.Modules, func(m Module) bool { return m.Name == name })
	if i < 0 {
		return Module{}, false
	}
	return r.Modules[i], true
}

// checkReplace wants a replace line without a version that leads to the sibling's directory: with GOWORK=off the go
// command would otherwise look for a version that is not published yet.
func (m Module) checkReplace(name string) string {
	for _, replace := range m.Mod.Replace {
		if replace.Old.Path != Prefix+name {
			continue
		}
		want, err := filepath.Rel(m.Name, name)
		if err != nil {
			return err.Error()
		}
		if got := path.Clean(replace.New.Path); got != filepath.ToSlash(want) || replace.Old.Version != "" || replace.New.Version != "" {
			return fmt.Sprintf("the replace line of %s must be: replace %s => %s", name, Prefix+name, filepath.ToSlash(want))
		}
		return ""
	}
	return fmt.Sprintf("missing replace line of %s", name)
}

// Requirements returns what is wrong with the modules' requirements by the rules.
func (r *Repo) Requirements(rules map[string]Rule) (problems []string) {
	for _, m := range r.Modules {
		file := path.Join(m.Name, "go.mod")
		if m.Mod.Toolchain != nil {
			problems = append(problems, file+": has a toolchain line, which would be forced on others")
		}
		if !m.Published() {
			continue
		}
		rule, ok := rules[m.Name]
		if !ok {
			problems = append(problems, file+": no rule for this published module")
			continue
		}
		if len(rule.Require) == 0 && m.Sum {
			problems = append(problems, m.Name+": has a go.sum file, but may require nothing")
		}
		for _, require := range m.Mod.Require {
			if name := strings.TrimPrefix(require.Mod.Path, Prefix); !slices.Contains(rule.Require, name) {
				problems = append(problems, fmt.Sprintf("%s: requires %s, which its rule does not list", file, name))
			}
			if least := rule.AtLeast[require.Mod.Path]; least != "" && compareVersions(require.Mod.Version, least) < 0 {
				problems = append(problems, fmt.Sprintf("%s: requires %s %s, want %s or later", file, require.Mod.Path, require.Mod.Version, least))
			}
		}
	}
	return problems
}
