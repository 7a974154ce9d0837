//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package memcachestore

import (
	"errors"
	"net"
	"syscall"
)

// dead reports whether the other side has ended an idle connection, or has sent what nobody asked for. It costs a system
// call, so only commands ask that cannot be repeated.
func dead(c net.Conn) bool {
	sc, ok := c.(syscall.Conn)
	for !ok {
		over, wraps := c.(interface{ NetConn() net.Conn }) // as tls.Conn has it
		if !wraps {
			return false
		}
		c = over.NetConn()
		sc, ok = c.(syscall.Conn)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	idle := false
	err = raw.Control(func(fd uintptr) { // not Read, which fails when the deadline has passed
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		idle = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR)
	})
	return err != nil || !idle
}
