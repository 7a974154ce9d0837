// Package repo reads the modules of this repository from go.work, in a directory or in a commit, and holds the rules
// that their go.mod files keep.
package repo

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// Prefix begins the path of every module of this repository.
const Prefix = "github.com/qsessions/qsessions/"

// Repo is the set of modules that go.work uses.
type Repo struct {
	Root    string
	Modules []Module // in the order of go.work
}

// Module is one module of the repository.
type Module struct {
	Name string // directory below the root, with slashes; the path is Prefix + Name
	Dir  string // in the file system
	Mod  *modfile.File
	Sum  bool // it has a go.sum file
}

// Path is the module path.
func (m Module) Path() string { return Prefix + m.Name }

// Published reports whether the module is meant for others. The tools, the test servers and the integration tests are
// never tagged.
func (m Module) Published() bool {
	first, _, _ := strings.Cut(m.Name, "/")
	return first != "tools" && first != "testserver" && path.Base(m.Name) != "itest"
}

// Pin is a requirement of one of our modules by another.
type Pin struct {
	Name    string // of the required module
	Version string
}

// Pins returns the module's requirements of our modules.
func (m Module) Pins() []Pin {
	var pins []Pin
	for _, require := range m.Mod.Require {
		if name, ok := strings.CutPrefix(require.Mod.Path, Prefix); ok {
			pins = append(pins, Pin{name, require.Mod.Version})
		}
	}
	return pins
}

// Pinned returns the versions that the module requires of others.
func (m Module) Pinned() (versions []string) {
	for _, require := range m.Mod.Require {
		versions = append(versions, require.Mod.Version)
	}
	return versions
}

// Requires reports whether the module itself imports the one of the path, so that its go.mod requires it directly.
func (m Module) Requires(path string) bool {
	return slices.ContainsFunc(m.Mod.Require, func(r *modfile.Require) bool { return r.Mod.Path == path && !r.Indirect })
}

// Published returns the modules that are meant for others.
func (r *Repo) Published() []Module {
	return slices.DeleteFunc(slices.Clone(r.Modules), func(m Module) bool { return !m.Published() })
}

// Find returns the directory at or above the working directory that holds go.work.
func Find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.work here or above")
		}
		dir = parent
	}
}

// Open reads the repository as it is in the directory.
func Open(root string) (*Repo, error) {
	return load(root, func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(root, name)) })
}

// OpenCommit reads the repository as it is in a commit.
func OpenCommit(root, commit string) (*Repo, error) {
	return load(root, func(name string) ([]byte, error) {
		if kind, err := Git(root, "cat-file", "-t", commit+":"+name); err != nil || kind != "blob" {
			return nil, fmt.Errorf("%s in %s: %w", name, commit, os.ErrNotExist)
		}
		text, err := Git(root, "show", commit+":"+name)
		return []byte(text), err
	})
}

// Git runs git in the directory and returns what it prints, without the last line feed.
func Git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSuffix(string(output), "\n"), nil
}

func load(root string, read func(name string) ([]byte, error)) (*Repo, error) {
	text, err := read("go.work")
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork("go.work", text, nil)
	if err != nil {
		return nil, err
	}
	r := &Repo{Root: root}
	for _, use := range work.Use {
		name := path.Clean(use.Path)
		file := path.Join(name, "go.mod")
		text, err := read(file)
		if err != nil {
			return nil, err
		}
		mod, err := modfile.Parse(file, text, nil)
		if err != nil {
			return nil, err
		}
		if mod.Module == nil || mod.Module.Mod.Path != Prefix+name {
			return nil, fmt.Errorf("%s: the module is not named %s", file, Prefix+name)
		}
		_, err = read(path.Join(name, "go.sum"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		r.Modules = append(r.Modules, Module{
			Name: name,
			Dir:  filepath.Join(root, filepath.FromSlash(name)),
			Mod:  mod,
			Sum:  err == nil,
		})
	}
	return r, nil
}
