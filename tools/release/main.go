// Release checks, numbers and tags the published modules.
//
//	go run ./tools/release check [-v] [-tree DIR]   build clean consumers of the modules of the commit, as the documents say
//	go run ./tools/release advisories               look for published advisories against what those compile
//	go run ./tools/release bump v0.2.0              set the version that the modules require of each other
//	go run ./tools/release tag v0.2.0               tag the commit for every module
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/qsessions/qsessions/tools/internal/advisories"
	"github.com/qsessions/qsessions/tools/internal/repo"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("want check, advisories, bump or tag")
	}
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	verbose := flags.Bool("v", false, "print the go commands that run")
	tree := flags.String("tree", "", "`directory` of the repository (default: the one at or above the working directory)")
	database := flags.String("database", "latest", "`version` of golang.org/x/vulndb for advisories, or skip")
	govulncheck := flags.String("govulncheck", "bin/govulncheck", "`path` of the command for advisories")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	root := *tree
	if root == "" {
		var err error
		if root, err = repo.Find(); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	env, err := goEnv(ctx, "GOMODCACHE", "GOPROXY")
	if err != nil {
		return err
	}
	checker := checker{
		root: root, rules: repo.Rules(),
		modcache: env["GOMODCACHE"], goproxy: env["GOPROXY"], oldest: true,
		out: os.Stdout, log: io.Discard,
	}
	if *verbose {
		checker.log = os.Stderr
	}
	switch args[0] {
	case "check":
		return checker.check(ctx)
	case "advisories":
		return checkAdvisories(ctx, checker, *database, *govulncheck)
	case "bump":
		r, err := repo.Open(root)
		if err != nil {
			return err
		}
		changed, err := r.Bump(flags.Arg(0))
		for _, file := range changed {
			fmt.Println(file)
		}
		return err
	case "tag":
		return tag(root, flags.Arg(0), os.Stdout)
	}
	return fmt.Errorf("%q is none of check, advisories, bump, tag", args[0])
}

// checkAdvisories does not pass in silence where it has not looked: without the database it fails, and only a person who
// says skip goes on without.
func checkAdvisories(ctx context.Context, c checker, version, govulncheck string) error {
	if version == "skip" {
		if os.Getenv("CI") == "true" {
			return errors.New("advisories are not skipped where CI is true")
		}
		fmt.Fprintln(c.out, "NOT RUN: nothing is known about advisories against the required versions")
		return nil
	}
	accepted, err := advisories.ParseAccepted(acceptedText)
	if err != nil {
		return fmt.Errorf("accepted.txt: %w", err)
	}
	command, err := filepath.Abs(govulncheck)
	if err != nil {
		return err
	}
	database, err := advisories.Download(ctx, version)
	if err != nil {
		return fmt.Errorf("NOT RUN: %w\nWithout network: ADVISORIES=skip, or ADVISORIES= a version that is in the module cache", err)
	}
	return watch{
		checker: c, accepted: accepted, now: time.Now(),
		scanner: advisories.Scanner{Command: command, Database: database},
	}.run(ctx)
}
