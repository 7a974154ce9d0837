// Package itest runs package memcachestore against real servers. It is a module of its own and never published, so that
// no user of memcachestore meets what tests need.
package itest

import (
	"os"
	"testing"

	"github.com/qsessions/qsessions/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }
