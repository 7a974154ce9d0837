package testserver

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// A server is a tree of processes, not a process group: each connection of PostgreSQL is a process in a session of its
// own.

// freezeTree stops the process and all below it, and returns when no thread of them runs.
func freezeTree(root *os.Process) error {
	if err := root.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	if err := awaitStopped(root.Pid); err != nil {
		return err
	}
	// A stopped process starts no other and waits for none, so that the ids of its children stay theirs.
	stopped := []int{root.Pid}
	for {
		grown := false
		for _, pid := range descendants(root.Pid) {
			if slices.Contains(stopped, pid) {
				continue
			}
			grown = true
			stopped = append(stopped, pid)
			syscall.Kill(pid, syscall.SIGSTOP) // an error means that it has ended
			if err := awaitStopped(pid); err != nil {
				return err
			}
		}
		if !grown {
			return nil
		}
	}
}

// thawTree lets the process and all below it go on.
func thawTree(root *os.Process) error {
	tree := descendants(root.Pid)
	slices.Reverse(tree) // the root last: the ids of its children stay theirs until then
	for _, pid := range tree[:len(tree)-1] {
		syscall.Kill(pid, syscall.SIGCONT)
	}
	return root.Signal(syscall.SIGCONT)
}

// killTree kills the process and all below it, and returns when those below it are gone: a backend of PostgreSQL that
// lives a little longer would keep the next server from starting.
func killTree(root *os.Process) {
	freezeTree(root) // or a server would see its parts die one by one; an error means that it has ended
	tree := descendants(root.Pid)
	slices.Reverse(tree)
	for _, pid := range tree[:len(tree)-1] {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	root.Kill()
	poll(func() bool { return !slices.ContainsFunc(tree[:len(tree)-1], runs) })
}

// awaitStopped returns when every thread of the process is stopped, or the process has ended.
func awaitStopped(pid int) error {
	stopped := poll(func() bool {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		return !slices.ContainsFunc(threads, func(stat string) bool {
			state, _ := procState(stat)
			return state != "T" && state != "t" && !ended(state)
		})
	})
	if !stopped {
		return fmt.Errorf("testserver: process %d does not stop", pid)
	}
	return nil
}
