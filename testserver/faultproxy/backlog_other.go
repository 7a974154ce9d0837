//go:build !unix

package faultproxy

import (
	"errors"
	"net"
)

const backlog = 0

func setBacklog(*net.TCPListener, int) error {
	return errors.New("faultproxy: this system has no black hole")
}
