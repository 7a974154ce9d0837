package testserver

import (
	"context"
	"errors"
	"fmt"
)

var (
	errEnvironment = errors.New("testserver: a server of the environment cannot be ended or paused")
	errStopped     = errors.New("testserver: the server was stopped")
	errNotRunning  = errors.New("testserver: the server does not run")
)

// Kill ends the server's processes without warning (SIGKILL), and returns when they are gone. It keeps the directory
// and does nothing when the server has ended. It returns an error for a server of the environment and after Stop.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.own(); err != nil {
		return err
	}
	s.proc.kill()
	s.paused = false
	return nil
}

// Shutdown ends the server in order, as its service manager would, and returns when it is gone. It keeps the directory
// and does nothing when the server has ended. A paused server goes on first. It returns an error for a server of the
// environment and after Stop.
func (s *Server) Shutdown() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.own(); err != nil {
		return err
	}
	s.end()
	return nil
}

// Pause stops all of the server's processes where they are (SIGSTOP): its connections stay open, new ones are accepted
// by the kernel, and nothing answers. It returns when all stand still. It does nothing when called again, and returns
// an error when the server does not run, for a server of the environment, and on systems other than Linux.
func (s *Server) Pause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.own(); err != nil {
		return err
	}
	if s.proc.gone() {
		return errNotRunning
	}
	if s.paused {
		return nil
	}
	if err := freezeTree(s.proc.cmd.Process); err != nil {
		thawTree(s.proc.cmd.Process) // what stopped already; the first error says why
		return err
	}
	s.paused = true
	return nil
}

// Resume lets a paused server go on (SIGCONT), with the commands that it was sent meanwhile. It does nothing when the
// server is not paused, and returns an error when it does not run or is one of the environment.
func (s *Server) Resume() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.own(); err != nil {
		return err
	}
	if s.proc.gone() {
		return errNotRunning
	}
	if !s.paused {
		return nil
	}
	s.paused = false
	return thawTree(s.proc.cmd.Process)
}

// Restart starts the server again, at the same address and with the same directory and arguments, and returns when it
// answers. A server that still runs is shut down first. PostgreSQL and MariaDB have every commit that they acknowledged;
// Redis and memcached are empty, unless Options.Args makes Redis keep its data. The context bounds the start, which
// takes a minute at most. It returns an error for a server of the environment and after Stop; after any other error
// the server does not run, and Restart may be called again.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.restart(ctx)
}

func (s *Server) restart(ctx context.Context) error {
	if err := s.own(); err != nil {
		return err
	}
	s.end()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if _, err := s.launch(ctx); err != nil {
		return fmt.Errorf("testserver: %s does not start again: %w\n%s", s.Kind, err, logTail(s.dir))
	}
	return nil
}

// Running reports whether the server runs and is not paused. It is true for a server of the environment.
func (s *Server) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dir == "" || !s.stopped && !s.paused && s.proc != nil && !s.proc.gone()
}

// own returns an error where this package may not touch the server's process.
func (s *Server) own() error {
	switch {
	case s.dir == "":
		return errEnvironment
	case s.stopped:
		return errStopped
	}
	return nil
}

// end ends the process in order. A paused one can only do so when it goes on.
func (s *Server) end() {
	if s.paused {
		s.paused = false
		thawTree(s.proc.cmd.Process) // an error means that it has ended
	}
	s.proc.end()
}
