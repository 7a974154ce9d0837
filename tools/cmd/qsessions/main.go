// Qsessions shows what sessions can do, and looks after the databases that hold them.
//
//	go run ./tools/cmd/qsessions --help
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const description = `Server-side sessions: a demo, and what a database of sessions needs.

A store is named by its address:

  sqlite:///var/lib/app/sessions.db, sqlite:sessions.db, or just sessions.db
  postgres://user:password@host:5432/database?sslmode=disable
  mysql://user:password@host:3306/database, or mariadb://…

Special characters in a password are percent-encoded: %40 is @. Other users of the machine can see what a command line says, so better set
QSESSIONS_STORE than --store if there is a password.

Exit codes: 0 done (also when Ctrl-C ends "demo" or "sweep --every"), 1 failed or interrupted, 2 the command line is wrong.`

type cli struct {
	Demo    demoCmd `cmd:"" help:"Run a demo application with real sessions, on this machine alone. Needs nothing but this command."`
	Migrate struct {
		Up     upCmd     `cmd:"" help:"Make the tables of sessions, or bring them up to date. Removes nothing; safe to repeat, and while the application runs."`
		Status statusCmd `cmd:"" help:"List the changes of the tables, and when each was applied. Changes nothing."`
		Print  printCmd  `cmd:"" help:"Print the SQL of the tables, for other migration tools. Needs no database."`
	} `cmd:"" help:"Make or update the tables of sessions."`
	Geoip struct {
		Download geoipDownloadCmd `cmd:"" help:"Download MaxMind's databases of places, or what has changed of them. Prints progress on a terminal and nothing elsewhere."`
	} `cmd:"" name:"geoip" help:"Keep the databases of package geoip current."`
	Sweep   sweepCmd   `cmd:"" help:"Remove expired sessions. Prints progress on a terminal and nothing elsewhere, so that cron sends mail only about errors."`
	Version versionCmd `cmd:"" help:"Print the version of this program."`
}

// stdio is where a command writes.
type stdio struct {
	out, err io.Writer
	terminal bool // err is one
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	info, err := os.Stderr.Stat()
	os.Exit(run(ctx, os.Args[1:], stdio{
		out: os.Stdout, err: os.Stderr,
		terminal: err == nil && info.Mode()&os.ModeCharDevice != 0,
	}))
}

// run runs one command line and returns the exit code.
func run(ctx context.Context, args []string, std stdio) int {
	if len(args) == 0 {
		args = []string{"--help"}
	}
	exited := false // by --help
	parser, err := kong.New(new(cli),
		kong.Name("qsessions"),
		kong.Description(description),
		kong.Writers(std.out, std.err),
		kong.Exit(func(int) { exited = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 110}),
	)
	if err != nil {
		fmt.Fprintln(std.err, "qsessions:", err)
		return exitFailed
	}
	command, err := parser.Parse(args)
	switch {
	case exited:
		return exitOK
	case err != nil:
		fmt.Fprintf(std.err, "qsessions: %s\nTry: qsessions --help\n", hide(err.Error(), args))
		return exitUsage
	}
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(std); err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			err = errors.New("interrupted")
		}
		fmt.Fprintln(std.err, "qsessions:", err)
		return exitFailed
	}
	return exitOK
}

// hide cuts out arguments that may be the address of a store, or a license key, in the wrong place, also as the name of a
// flag or quoted.
func hide(text string, args []string) string {
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		for _, part := range []string{arg, value, name} {
			if strings.ContainsAny(part, "@:") || keyLike(part) {
				quoted := strconv.Quote(part)
				text = strings.NewReplacer(part, "(hidden)", quoted[1:len(quoted)-1], "(hidden)").Replace(text)
			}
		}
	}
	return text
}

// keyLike reports whether s may be a license key: MaxMind's have 16 letters and digits, or more of them in groups.
func keyLike(s string) bool {
	s = strings.TrimLeft(s, "-")
	return len(s) >= 16 && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}
