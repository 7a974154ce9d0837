package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/internal/stores"
	"github.com/qsessions/qsessions/tools/internal/stores/storestest"
)

func TestMain(m *testing.M) {
	if err := os.Unsetenv("QSESSIONS_STORE"); err != nil { // of whoever runs the tests
		panic(err)
	}
	os.Exit(testserver.Run(m))
}

// A result is what a command line did.
type result struct {
	code     int
	out, err string
}

func runArgs(ctx context.Context, terminal bool, args ...string) result {
	var out, stderr bytes.Buffer
	code := run(ctx, args, stdio{&out, &stderr, terminal})
	return result{code, out.String(), stderr.String()}
}

// want fails the test unless the command line ended with code, and its output has each of the texts.
func (r result) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("got exit code %d, want %d", r.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(r.out+r.err, text) {
			t.Errorf("the output does not say %q", text)
		}
	}
	if t.Failed() {
		t.Fatalf("stdout:\n%s\nstderr:\n%s", r.out, r.err)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"--help"}, {"sweep", "--help"}, {"migrate", "up", "--help"}, {"demo", "-h"}} {
		got := runArgs(t.Context(), false, args...)
		got.want(t, exitOK, "Usage: qsessions")
		if got.err != "" {
			t.Errorf("%v: got %q as an error", args, got.err)
		}
		if strings.Contains(got.out, "%!") || strings.Contains(got.out, "%%") || strings.Contains(got.out, "${") {
			t.Errorf("%v: the text has a placeholder:\n%s", args, got.out)
		}
	}
	runArgs(t.Context(), false, "--help").want(t, exitOK, "Exit codes:", "QSESSIONS_STORE", "migrate up")
	runArgs(t.Context(), false, "version").want(t, exitOK, "qsessions ", "go1.")
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"nothing"},
		{"migrate"},
		{"sweep"},
		{"sweep", "--store"},
		{"sweep", "--store=x.db", "--every=soon"},
		{"sweep", "--store=x.db", "--every=1ms"},
		{"sweep", "--store=x.db", "--every=-1h"},
		{"sweep", "--store=x.db", "--batch=0"},
		{"demo", "--seed=-1"},
		{"demo", "--seed=many"},
		{"demo", "--adapter=gopher"},
		{"migrate", "print"},
		{"migrate", "print", "--dialect=oracle"},
	} {
		got := runArgs(t.Context(), false, args...)
		if got.code != exitUsage || got.out != "" || !strings.HasPrefix(got.err, "qsessions: ") || !strings.Contains(got.err, "--help") {
			t.Errorf("%v: got %d, %q, %q", args, got.code, got.out, got.err)
		}
	}
}

// TestPassword wants no password in any error, wherever the address is on the command line.
func TestPassword(t *testing.T) {
	t.Parallel()
	const password = "hunter2hunter2"
	pg := "postgres://u:" + password + "@127.0.0.1:1/d?sslmode=disable"
	my := "mysql://u:" + password + "@127.0.0.1:1/d"
	lite := storestest.SQLite(t)
	for _, test := range []struct {
		code int
		args []string
	}{
		{exitUsage, []string{"sweep", pg}},
		{exitUsage, []string{"sweep", "--sotre=" + pg}},
		{exitUsage, []string{"sweep", "--every=" + my}},
		{exitUsage, []string{"sweep", "--" + pg}},
		{exitUsage, []string{"migrate", "print", `--dialect=mysql://u:"` + password + `@h/d`}},
		{exitUsage, []string{pg}},
		{exitUsage, []string{"migrate", "print", "--dialect", my}},
		{exitFailed, []string{"sweep", "--store", pg}},
		{exitFailed, []string{"sweep", "--store", my}},
		{exitFailed, []string{"migrate", "up", "--store", my}},
		{exitFailed, []string{"migrate", "status", "--store", "u:" + password + "@tcp(127.0.0.1:1)/d"}},
		{exitFailed, []string{"demo", "--addr=127.0.0.1:0", "--store", pg}},
		{exitFailed, []string{"demo", "--addr=127.0.0.1:0", "--store", lite, "--cache", "redis://u:" + password + "@127.0.0.1:1/none"}},
		{exitFailed, []string{"demo", "--addr=127.0.0.1:0", "--store", lite, "--cache", "memcached://u:" + password + "@127.0.0.1:1"}},
		{exitFailed, []string{"sweep", "--store", "oracle://u:" + password + "@h/d"}},
	} {
		got := runArgs(t.Context(), true, test.args...)
		if got.code != test.code || got.err == "" {
			t.Errorf("%v: got exit code %d, want %d; %s", test.args, got.code, test.code, got.err)
		}
		if strings.Contains(got.out+got.err, password) {
			t.Errorf("%v: the output has the password: %s%s", test.args, got.out, got.err)
		}
		if strings.Contains(got.err, "goroutine ") {
			t.Errorf("%v: got a stack: %s", test.args, got.err)
		}
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	storestest.Each(t, func(t *testing.T, address string) {
		flags := []string{"--store", address, "--table", "app_sessions"}
		command := func(name string) result {
			return runArgs(t.Context(), false, append([]string{"migrate", name}, flags...)...)
		}
		if path, found := strings.CutPrefix(address, "sqlite:"); found {
			command("status").want(t, exitFailed, "no such SQLite file")
			if _, err := os.Stat(path); err == nil {
				t.Error("status has made the file")
			}
		} else {
			command("status").want(t, exitOK, "0001 sessions  pending")
		}
		command("up").want(t, exitOK, "applied 0001 sessions")
		command("up").want(t, exitOK, "up to date")
		command("status").want(t, exitOK, "0001 sessions  applied 20")

		s := open(t, address, "app_sessions")
		if err := s.Create(t.Context(), record(time.Now())); err != nil {
			t.Errorf("the tables cannot be used: %v", err)
		}
		runArgs(t.Context(), false, "sweep", "--store", address).want(t, exitFailed, "no such table", "--table")
	})
}

func TestMigratePrint(t *testing.T) {
	t.Parallel()
	for dialect, want := range map[string]string{"postgres": "bytea", "mysql": "ENGINE", "sqlite": "STRICT"} {
		got := runArgs(t.Context(), false, "migrate", "print", "--dialect", dialect, "--table", "app_sessions")
		got.want(t, exitOK, "-- 0001 sessions", "app_sessions", ";")
		if !strings.Contains(strings.ToLower(got.out), strings.ToLower(want)) || strings.Contains(got.out, "{") {
			t.Errorf("%s: got\n%s", dialect, got.out)
		}
	}
	runArgs(t.Context(), false, "migrate", "print", "--dialect=postgres", "--user-type=uuid", "--user-references=people(key)", "--cutoff-table=ended").
		want(t, exitOK, "uuid", `"people"`, `"key"`, "ON DELETE CASCADE", `"ended"`)
	runArgs(t.Context(), false, "migrate", "print", "--dialect=sqlite", "--user-references=people").want(t, exitFailed, "sqlxstore: ")
	runArgs(t.Context(), false, "migrate", "print", "--dialect=sqlite", "--table", "a;b").want(t, exitFailed, "not a table name")
}

// TestStoreFile wants faults of a path to be told apart.
func TestStoreFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	runArgs(t.Context(), false, "migrate", "up", "--store", filepath.Join(dir, "nowhere", "s.db")).want(t, exitFailed, "directory of the SQLite file is not there")
	runArgs(t.Context(), false, "migrate", "up", "--store", dir).want(t, exitFailed, "is a directory")
	runArgs(t.Context(), false, "sweep", "--store", filepath.Join(dir, "s.db")).want(t, exitFailed, "no such SQLite file")
}

func open(t *testing.T, address, table string) *sqlxstore.Store {
	t.Helper()
	s, err := stores.Open(t.Context(), address, sqlxstore.Config{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// record is one of an anonymous visitor that ends a minute after seen.
func record(seen time.Time) *store.Record {
	seen = seen.UTC().Truncate(time.Microsecond)
	return &store.Record{
		ID: store.NewID(seen), Secret: make([]byte, 32), Data: []byte("{}"),
		CreatedAt: seen, LastSeen: seen, ExpiresAt: seen.Add(time.Minute),
	}
}
