// Package storetest verifies that a [store.Store] keeps the contract of package store, sentence by sentence.
//
// A backend is certified by one test:
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, storetest.Config{
//			Indexed: true, // the store lists, deletes by user and sweeps
//			Open: func(ctx context.Context) (storetest.Fixture, error) {
//				s, err := mystore.Open(ctx, freshDatabase(t))
//				if err != nil {
//					return storetest.Fixture{}, err
//				}
//				return storetest.Fixture{Store: s, Close: s.Close}, nil
//			},
//		})
//	}
//
// Run it with the race detector, and against the real server. [Fuzz] compares random sequences of calls with a model,
// [Bench] measures, and [Check] is Run without package testing's flow: it returns an error, so that a program or a test
// of a store that is wrong on purpose can use it too. [Cases] is the contract as data.
//
// Stores have no clock, so no case waits: they pass times. Every case opens its own store, and runs alone on it.
package storetest
