package backend

import (
	"context"
	"testing"

	"github.com/qsessions/qsessions/conformance/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, storetest.Config{
		Open: func(context.Context) (storetest.Fixture, error) {
			return storetest.Fixture{Store: new(Store)}, nil
		},
	})
}
