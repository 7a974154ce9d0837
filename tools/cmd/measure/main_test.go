package main

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/testserver"
)

// TestScale: the command makes its sessions, measures them and cleans up. Its ratio is for machines that are not busy.
func TestScale(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := scaleCommand{Postgres: 20_000, Redis: 20_000, Base: 2_000, Samples: 20, Buffers: "64MB", Ratio: 1000}
	skipMissing(t, c.Run(t.Context(), &out))
	if n := strings.Count(out.String(), ": holds"); n != 8 {
		t.Errorf("got %d lines, want 4 operations of 2 stores:\n%s", n, &out)
	}
	c = scaleCommand{Redis: 2_000, Base: 200, Samples: 10, Ratio: 1e-9}
	if err := c.Run(t.Context(), &out); err == nil || !strings.Contains(out.String(), "MISSED") {
		t.Errorf("nothing takes no time at all; got %v and\n%s", err, &out)
	}
}

// skipMissing ends the test that had an error, where there is no server as one that was skipped.
func skipMissing(t *testing.T, err error) {
	t.Helper()
	if missing, ok := errors.AsType[*testserver.MissingError](err); ok && os.Getenv("CI") != "true" {
		t.Skip(missing)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestPages: the command makes its sessions, and measures what it names. Its targets are for machines that are not busy.
func TestPages(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := pagesCommand{Sessions: 2_000, For: 20 * time.Millisecond, Devices: true, Stores: []string{"SQLite"}}
	if err := c.Run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "ratio ≤ 2"); n != 3 || !strings.Contains(out.String(), "Manager.Scan") {
		t.Errorf("got %d lines with a target, want 3:\n%s", n, &out)
	}
}
