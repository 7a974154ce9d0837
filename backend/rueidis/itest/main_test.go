// Package itest runs package rueidisstore against real servers. It is a module of its own and never published, so that
// no user of rueidisstore meets what the tests need.
package itest

import (
	"os"
	"testing"

	"github.com/qsessions/qsessions/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }
