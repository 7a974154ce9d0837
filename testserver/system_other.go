//go:build !linux

package testserver

import (
	"errors"
	"os"
	"syscall"
)

// Elsewhere a server outlives a killed test process, and its directory stays.

func attributes(os.Signal) (*syscall.SysProcAttr, error) { return nil, nil }

func giveToServer(string) error { return nil }

// tryLock only serves makeDir, which needs the first lock and never a second one.
func tryLock(f *os.File) error {
	if info, err := f.Stat(); err != nil || info.Name() == lockName {
		return errors.New("no file locks here")
	}
	return nil
}

var errFreeze = errors.New("testserver: a server can be paused on Linux only")

func freezeTree(*os.Process) error { return errFreeze }

func thawTree(*os.Process) error { return errFreeze }

func killTree(root *os.Process) { root.Kill() }
