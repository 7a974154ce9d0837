package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/zip"

	"github.com/qsessions/qsessions/tools/internal/repo"
)

// proxy is a directory in the form of a module proxy, to be served over file://.
type proxy struct {
	root string // of the repository
	dir  string
}

// pack writes the module of a commit into the proxy, as the go command would take it from the version control system:
// without uncommitted files and nested modules, and with the LICENSE of the root.
func (p proxy) pack(m repo.Module, version, commit string) error {
	escaped, err := module.EscapePath(m.Path())
	if err != nil {
		return err
	}
	dir := filepath.Join(p.dir, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	at := module.Version{Path: m.Path(), Version: version}
	archive, err := os.Create(filepath.Join(dir, version+".zip"))
	if err != nil {
		return err
	}
	main, commit, err := p.mainTree(commit)
	if err != nil {
		return errors.Join(err, archive.Close())
	}
	err = errors.Join(zip.CreateFromVCS(archive, at, main, commit, m.Name), archive.Close())
	if err != nil {
		return err
	}
	mod, err := repo.Git(p.root, "show", commit+":"+m.Name+"/go.mod")
	if err != nil {
		return err
	}
	seconds, err := repo.Git(p.root, "log", "-1", "--format=%cI", commit)
	if err != nil {
		return err
	}
	committed, err := time.Parse(time.RFC3339, seconds)
	if err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": version, "Time": committed.UTC()})
	if err != nil {
		return err
	}
	list, err := os.OpenFile(filepath.Join(dir, "list"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(list, version)
	return errors.Join(err, list.Close(),
		os.WriteFile(filepath.Join(dir, version+".info"), info, 0o644),
		os.WriteFile(filepath.Join(dir, version+".mod"), []byte(mod+"\n"), 0o644))
}

// mainTree returns the directory that holds .git itself, which package zip asks for, and the commit's hash, which means
// the same commit there: the repository may be checked out as a further tree of `git worktree`.
func (p proxy) mainTree(commit string) (dir, hash string, err error) {
	git, err := repo.Git(p.root, "rev-parse", "--path-format=absolute", "--git-common-dir")
	if err != nil {
		return "", "", err
	}
	hash, err = repo.Git(p.root, "rev-parse", "--verify", commit+"^{commit}")
	return filepath.Dir(git), hash, err
}

// packAll fills the proxy with the published modules, and returns the version under which each is packed from HEAD.
//
// That is the version the modules require of each other, as long as it has no tags. Once it is released, a requirement
// of it means the tagged commit, which may lack what HEAD has; HEAD itself is then packed as the version after it.
func (p proxy) packAll(r *repo.Repo, version string) (map[string]string, error) {
	versions := map[string]string{}
	for _, m := range r.Published() {
		versions[m.Name] = version
		if commit, err := repo.Git(p.root, "rev-parse", "--verify", "--quiet", "refs/tags/"+tagName(m, version)+"^{commit}"); err == nil {
			if err := p.pack(m, version, commit); err != nil {
				return nil, fmt.Errorf("%s: %w", tagName(m, version), err)
			}
			versions[m.Name] = nextVersion(version)
		}
		if err := p.pack(m, versions[m.Name], "HEAD"); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return versions, nil
}

func tagName(m repo.Module, version string) string { return m.Name + "/" + version }

// nextVersion returns a version right after the given one, which nobody else uses.
func nextVersion(version string) string {
	if semver.Prerelease(version) != "" {
		return version + ".0.check"
	}
	var major, minor, patch int
	fmt.Sscanf(strings.TrimSuffix(version, semver.Build(version)), "v%d.%d.%d", &major, &minor, &patch)
	return fmt.Sprintf("v%d.%d.%d-0.check", major, minor, patch+1)
}
