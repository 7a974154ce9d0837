package testserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Snapshot returns all data of a Redis server at this moment, as its backup file has it (RDB). It takes a minute at
// most, in which the server serves nobody else. It returns an error for other kinds, and for a server of the
// environment.
func (s *Server) Snapshot(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ownRedis(); err != nil {
		return nil, err
	}
	_, missing := os.Stat(s.dump())
	if _, err := doWithin(ctx, time.Minute, s.Addr, "SAVE"); err != nil {
		return nil, fmt.Errorf("testserver: %w", err)
	}
	snapshot, err := os.ReadFile(s.dump())
	if errors.Is(missing, os.ErrNotExist) {
		err = errors.Join(err, os.Remove(s.dump())) // or the next Restart would not find the server empty
	}
	return snapshot, err
}

// Restore kills a Redis server and starts it again, as Restart does, with the data of a snapshot and nothing else: an
// operator who restores an old backup. What has expired since is gone. Options.Args must not name another file for the
// backup, or make Redis read its append-only file instead. It does not change the snapshot.
func (s *Server) Restore(ctx context.Context, snapshot []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ownRedis(); err != nil {
		return err
	}
	_, missing := os.Stat(s.dump())
	s.proc.kill()
	s.paused = false
	if err := os.WriteFile(s.dump(), snapshot, 0o600); err != nil {
		return err
	}
	if err := giveToServer(s.dump()); err != nil {
		return err
	}
	err := s.restart(ctx)
	if errors.Is(missing, os.ErrNotExist) {
		err = errors.Join(err, os.Remove(s.dump()))
	}
	return err
}

func (s *Server) ownRedis() error {
	if s.Kind != KindRedis {
		return fmt.Errorf("testserver: %s has no snapshots", s.Kind)
	}
	return s.own()
}

func (s *Server) dump() string { return filepath.Join(s.dir, "dump.rdb") }
