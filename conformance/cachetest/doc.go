// Package cachetest verifies that a [store.Cache] keeps its contract, sentence by sentence.
//
// A cache is certified by a test, with the race detector, on two processors or more, and against the real server:
//
//	func TestContract(t *testing.T) {
//		cachetest.Run(t, cachetest.Config{
//			Shared: true, // other processes can use the same cache
//			Open: func(ctx context.Context) (cachetest.Fixture, error) {
//				prefix := rand.Text()
//				return cachetest.Fixture{Cache: mycache.New(addr, prefix), Second: mycache.New(addr, prefix)}, nil
//			},
//		})
//	}
//
// [Bench] measures, and [Check] is Run without package testing's flow: it returns an error, so that a program or a test of
// a cache that is wrong on purpose can use it too. [Cases] is the contract as data.
//
// A cache may lose a copy at any time, and most cases cannot tell that from a fault: the one that is tested needs room
// enough to drop nothing, and nobody else may use it. Only time ends a lease, so some cases wait for it, for some forty
// seconds together; for a cache in the memory of the process Check may run in a bubble of
// [testing/synctest], where they take no time, though races then take more. Every case opens its own cache.
package cachetest
