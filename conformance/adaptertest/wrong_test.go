package adaptertest_test

import (
	"testing"

	"github.com/qsessions/qsessions/conformance/adaptertest"
)

func TestNaive(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Config{Start: startNaive("")})
}
