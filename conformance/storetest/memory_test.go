package storetest_test

import (
	"context"
	"testing"

	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/core/memory"
)

func inMemory() storetest.Config {
	return storetest.Config{Indexed: true, Keeper: true, Open: func(context.Context) (storetest.Fixture, error) {
		return storetest.Fixture{Store: new(memory.Store)}, nil
	}}
}

func TestMemory(t *testing.T)      { storetest.Run(t, inMemory()) }
func FuzzMemory(f *testing.F)      { storetest.Fuzz(f, inMemory()) }
func BenchmarkMemory(b *testing.B) { storetest.Bench(b, inMemory()) }
