package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/qsessions/qsessions/tools/internal/repo"
)

// tag tags HEAD with the version for every published module. It pushes nothing.
func tag(root, version string, out io.Writer) error {
	if err := repo.CheckVersion(version); err != nil {
		return err
	}
	if dirty, err := repo.Git(root, "status", "--porcelain"); err != nil {
		return err
	} else if dirty != "" {
		return errors.New("the working tree has uncommitted changes:\n" + dirty)
	}
	r, err := repo.OpenCommit(root, "HEAD")
	if err != nil {
		return err
	}
	got, problems := r.Version()
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "\n"))
	}
	if got != version {
		return fmt.Errorf("the modules require %s of each other: run `go run ./tools/release bump %s` first", got, version)
	}
	var tags []string
	for _, m := range r.Published() {
		name := tagName(m, version)
		if _, err := repo.Git(root, "rev-parse", "--verify", "--quiet", "refs/tags/"+name); err == nil {
			return fmt.Errorf("the tag %s exists", name)
		}
		tags = append(tags, name)
	}
	for _, name := range tags {
		if _, err := repo.Git(root, "tag", name, "HEAD"); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "git push origin %s\n", strings.Join(tags, " "))
	return nil
}
