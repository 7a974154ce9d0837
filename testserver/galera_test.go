package testserver

import (
	"context"
	"testing"
)

// TestGalera writes to one node and reads from the others, kills one, writes meanwhile, and lets it join again.
func TestGalera(t *testing.T) {
	t.Parallel()
	c := Galera(t)
	if len(c.Nodes) != galeraNodes || c.DSN != c.Nodes[0].DSN || c.Version == "" {
		t.Fatalf("got %+v", c)
	}
	if _, err := c.Master(t.Context(), "a"); err == nil {
		t.Error("Master returns nil")
	}
	ctx, cancel := context.WithTimeout(t.Context(), galeraTimeout)
	defer cancel()
	query := func(s *Server, statement, want string) {
		t.Helper()
		if got, err := s.prog.sql(ctx, s.DSN, "SET SESSION wsrep_sync_wait = 1; "+statement); got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", statement, got, err, want)
		}
	}
	query(c.Nodes[0], "CREATE DATABASE d", "")
	query(c.Nodes[0], "CREATE TABLE d.t (a int PRIMARY KEY)", "")
	query(c.Nodes[0], "INSERT INTO d.t VALUES (1)", "")
	for _, s := range c.Nodes {
		query(s, "SELECT count(*) FROM d.t", "1")
	}
	// The first one, which must not found a cluster of its own again.
	if err := c.Nodes[0].Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.AwaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	query(c.Nodes[1], "INSERT INTO d.t VALUES (2)", "")
	if err := c.Nodes[0].Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.AwaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Nodes {
		query(s, "SELECT count(*) FROM d.t", "2")
	}
}
