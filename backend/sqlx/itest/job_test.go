package itest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
)

// jobEnv has what a process that a test starts is to do.
const jobEnv = "QSESSIONS_ITEST_JOB"

// A job is done by another process: this binary, again.
type job struct {
	What, Driver, DSN, Table string

	out io.Writer // of what it prints
}

// start starts a process with j. The test ends it, if it has not ended itself.
func (j job) start(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self)
	c.Env = append(append(os.Environ(), jobEnv+"="+string(text)), env...)
	c.Stdout, c.Stderr = j.out, t.Output()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

func runJob(ctx context.Context, text string) int {
	var j job
	err := json.Unmarshal([]byte(text), &j)
	if err == nil {
		err = j.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (j job) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s, err := sqlxstore.Open(ctx, j.Driver, j.DSN, sqlxstore.Config{Table: j.Table})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	switch j.What {
	case "migrate":
		return nil
	case "key":
		key, err := s.Key(ctx, "cache")
		fmt.Printf("%x", sha256.Sum256(key))
		return err
	}
	return writeFar(ctx, s)
}

// farRecord has times that zones, summer time and 32 bits make trouble of.
func farRecord() *store.Record {
	return &store.Record{
		ID: store.ID{15: 1}, Version: 1, User: "ann", AuthenticatedAt: time.Date(2026, 3, 8, 2, 30, 0, 1000, time.UTC),
		CreatedAt: time.Date(2026, 3, 8, 5, 30, 0, 999_999_000, time.UTC), LastSeen: time.Date(2026, 11, 1, 4, 30, 0, 999_999_000, time.UTC),
		ExpiresAt: time.Date(2038, 1, 19, 3, 14, 8, 1000, time.UTC), IP: netip.MustParseAddr("192.0.2.1"),
		UserAgent: "x", Secret: []byte("s"), Data: []byte("d"),
	}
}

// writeFar stores farRecord with times of the local zone, and lists it by them.
func writeFar(ctx context.Context, s *sqlxstore.Store) error {
	if _, offset := time.Date(2026, 1, 1, 0, 0, 0, 0, time.Local).Zone(); offset != -12600 {
		return fmt.Errorf("the local zone is %d s from UTC, want Newfoundland's", offset)
	}
	r := farRecord()
	for _, at := range []*time.Time{&r.AuthenticatedAt, &r.CreatedAt, &r.LastSeen, &r.ExpiresAt} {
		*at = at.Local()
	}
	if err := s.Create(ctx, r); err != nil {
		return err
	}
	if _, err := s.DeleteUser(ctx, "bob", r.ExpiresAt); err != nil {
		return err
	}
	for _, k := range []struct {
		q    store.Query
		want int
	}{
		{store.Query{Live: r.ExpiresAt.Add(-time.Microsecond)}, 1}, {store.Query{Live: r.ExpiresAt}, 0},
		{store.Query{Expired: r.ExpiresAt}, 1}, {store.Query{Expired: r.ExpiresAt.Add(-time.Microsecond)}, 0},
	} {
		n := 0
		for _, err := range s.List(ctx, k.q) {
			if err != nil {
				return err
			}
			n++
		}
		if n != k.want {
			return fmt.Errorf("%+v: got %d records, want %d", k.q, n, k.want)
		}
	}
	if n, err := s.Sweep(ctx, r.ExpiresAt, 10); n != 0 || err != nil {
		return errors.Join(fmt.Errorf("Sweep forgot %d records, want 0", n), err)
	}
	return nil
}
