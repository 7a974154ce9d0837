package repo

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/semver"
)

func compareVersions(a, b string) int { return semver.Compare(a, b) }

// CheckVersion wants a canonical version that a release may have.
func CheckVersion(version string) error {
	if !semver.IsValid(version) || semver.Canonical(version) != version || semver.Compare(version, "v0.0.0") <= 0 {
		return fmt.Errorf("%q is not a version such as v0.2.0", version)
	}
	return nil
}

// Bump rewrites every requirement of our modules by our modules to the version, and returns the files it changed.
func (r *Repo) Bump(version string) (changed []string, err error) {
	if err := CheckVersion(version); err != nil {
		return nil, err
	}
	for _, m := range r.Modules {
		stale := false
		for _, pin := range m.Pins() {
			if pin.Version == version {
				continue
			}
			stale = true
			if err := m.Mod.AddRequire(Prefix+pin.Name, version); err != nil {
				return changed, err
			}
		}
		if !stale {
			continue
		}
		text, err := m.Mod.Format()
		if err != nil {
			return changed, err
		}
		file := filepath.Join(m.Dir, "go.mod")
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return changed, err
		}
		changed = append(changed, file)
	}
	return changed, nil
}
