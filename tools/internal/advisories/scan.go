package advisories

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Standard is how findings name the standard library and the go command.
const Standard = "stdlib"

// Finding is an advisory against the version of a module.
type Finding struct {
	ID      string // GO-2026-1234
	Summary string
	Module  string // a path, or Standard
	Version string
	Fixed   string // the version with the fix, or empty
	// Packages are those of the advisory that the program compiles. Where there are none, the advisory is about other
	// packages of the module.
	Packages []string
}

// String describes the finding in one line.
func (f Finding) String() string {
	fixed := "no version has a fix"
	if f.Fixed != "" {
		fixed = "fixed in " + f.Fixed
	}
	return fmt.Sprintf("%s %s: %s, %s (%s)", f.Module, f.Version, f.ID, fixed, f.Summary)
}

// Scanner looks up what programs compile.
type Scanner struct {
	Command  string // path of govulncheck
	Database Database
}

// Scan returns the advisories against the modules of the packages, which are compiled in the directory of a module, and
// of everything these import. It stops at packages and does not ask which functions are called: a library cannot know
// that of the applications that use it.
func (s Scanner) Scan(ctx context.Context, dir string, env, packages []string) ([]Finding, error) {
	// govulncheck takes a flat directory of OSV files as well as the layout of vuln.go.dev.
	args := []string{"-db", "file://" + filepath.ToSlash(s.Database.Dir), "-format", "json", "-scan", "package"}
	cmd := exec.CommandContext(ctx, s.Command, append(args, packages...)...)
	cmd.Dir, cmd.Env = dir, env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("govulncheck: %w\n%s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return parse(&stdout)
}

// parse reads govulncheck's messages. For one advisory it has a message for the module, and one more for each package
// that is compiled.
func parse(messages io.Reader) ([]Finding, error) {
	type key struct{ id, module string }
	found := map[key]*Finding{}
	summaries := map[string]string{}
	scanned := false
	for decoder := json.NewDecoder(messages); ; {
		var message struct {
			SBOM    *struct{}
			OSV     *struct{ ID, Summary string }
			Finding *struct {
				OSV   string
				Fixed string `json:"fixed_version"`
				Trace []struct{ Module, Version, Package string }
			}
		}
		err := decoder.Decode(&message)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("govulncheck: %w", err)
		}
		scanned = scanned || message.SBOM != nil
		if osv := message.OSV; osv != nil {
			summaries[osv.ID] = osv.Summary
		}
		if message.Finding == nil || len(message.Finding.Trace) == 0 {
			continue
		}
		at := message.Finding.Trace[0]
		f := found[key{message.Finding.OSV, at.Module}]
		if f == nil {
			f = &Finding{ID: message.Finding.OSV, Module: at.Module, Version: at.Version, Fixed: message.Finding.Fixed}
			found[key{f.ID, f.Module}] = f
		}
		if at.Package != "" && !slices.Contains(f.Packages, at.Package) {
			f.Packages = append(f.Packages, at.Package)
		}
	}
	if !scanned {
		return nil, errors.New("govulncheck: the answer lists no modules")
	}
	var findings []Finding
	for f := range maps.Values(found) {
		f.Summary = summaries[f.ID]
		slices.Sort(f.Packages)
		findings = append(findings, *f)
	}
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Module, b.Module), strings.Compare(a.ID, b.ID))
	})
	return findings, nil
}
