// Package advisories finds published advisories against the modules that a program compiles. They come from the Go
// vulnerability database, and govulncheck compares the versions.
package advisories

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
)

// source is the module that carries the database. A module proxy serves it, so that the gate needs no other host.
const source = "golang.org/x/vulndb"

// Database is one version of the Go vulnerability database.
type Database struct {
	Dir     string // holds one file for each advisory, in the OSV format
	Version string // of the module golang.org/x/vulndb; empty for a directory of another origin
	Time    time.Time
	Entries int
}

// Download returns the version of the database: "latest", or a pseudo-version, which gives the verdict of another day
// again and needs no network once it is in the module cache.
func Download(ctx context.Context, version string) (Database, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", source+"@"+version)
	cmd.Dir = os.TempDir() // no module's requirements apply
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	var got struct{ Version, Dir, Error string }
	if jsonErr := json.Unmarshal(output, &got); err != nil || jsonErr != nil {
		// The go command reports some errors in its answer, others beside it.
		reason := strings.TrimSpace(got.Error + "\n" + stderr.String())
		return Database{}, fmt.Errorf("the vulnerability database %s@%s cannot be had: %s", source, version, reason)
	}
	d, err := Open(filepath.Join(got.Dir, "data", "osv"))
	if err != nil {
		return Database{}, err
	}
	d.Version = got.Version
	d.Time, err = module.PseudoVersionTime(got.Version)
	return d, err
}

// Open returns the database in a directory. One without advisories is an error: it would find nothing anywhere.
func Open(dir string) (Database, error) {
	files, err := filepath.Glob(filepath.Join(dir, "GO-*.json"))
	if err != nil {
		return Database{}, err
	}
	if len(files) == 0 {
		return Database{}, fmt.Errorf("%s holds no advisories", dir)
	}
	return Database{Dir: dir, Entries: len(files)}, nil
}
