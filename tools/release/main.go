// Release checks, numbers and tags the published modules.
//
//	go run ./tools/release check [-v] [-tree DIR]   build a clean consumer of each module of the commit
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
		return errors.New("want check, bump or tag")
	}
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	verbose := flags.Bool("v", false, "print the go commands that run")
	tree := flags.String("tree", "", "`directory` of the repository (default: the one at or above the working directory)")
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
	switch args[0] {
	case "check":
		log := io.Discard
		if *verbose {
			log = os.Stderr
		}
		env, err := goEnv(ctx, "GOMODCACHE", "GOPROXY")
		if err != nil {
			return err
		}
		return checker{
			root: root, rules: repo.Rules(),
			modcache: env["GOMODCACHE"], goproxy: env["GOPROXY"],
			out: os.Stdout, log: log,
		}.check(ctx)
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
	return fmt.Errorf("%q is none of check, bump, tag", args[0])
}
