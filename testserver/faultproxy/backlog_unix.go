//go:build unix

package faultproxy

import (
	"net"
	"syscall"
)

// backlog is how many connections may wait to be accepted; the system allows fewer where it must.
const backlog = 4096

// setBacklog changes it for a listener.
func setBacklog(listener *net.TCPListener, n int) error {
	raw, err := listener.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = syscall.Listen(int(fd), n) }); err != nil {
		return err
	}
	return failed
}
