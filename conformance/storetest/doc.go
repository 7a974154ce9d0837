// Package storetest verifies that a [store.Store] keeps the contract of package store, sentence by sentence.
//
// A backend is certified by two tests:
//
//	func TestContract(t *testing.T) { storetest.Run(t, config()) }
//	func FuzzContract(f *testing.F) { storetest.Fuzz(f, config()) } // go test runs a dozen sequences, -fuzz any number
//
//	func config() storetest.Config {
//		return storetest.Config{
//			Indexed: true, // the store lists, deletes by user and sweeps
//			Keeper:  true, // it keeps keys: a cache can be put in front of it
//			Open: func(ctx context.Context) (storetest.Fixture, error) {
//				s, err := mystore.Open(ctx, freshDatabase())
//				if err != nil {
//					return storetest.Fixture{}, err
//				}
//				return storetest.Fixture{Store: s, Close: s.Close}, nil
//			},
//		}
//	}
//
// Run them with the race detector, on two processors or more, and against the real server. [Run] tries each clause by
// itself and what callers do at once; [Fuzz] compares random sequences of calls with a model, and finds what only several
// clauses together bring about. [Bench] measures, and [Check] is Run without package testing's flow: it returns an error,
// so that a program or a test of a store that is wrong on purpose can use it too. [Cases] is the contract as data.
//
// Package store states the rules, and each case is a test of one. Two rules no case can test: that a server's own garbage
// collection leaves a record for a minute after ExpiresAt, and that any unknown error counts as ErrUnavailable.
//
// Stores have no clock, so no case waits: they pass times. Every case opens its own store, and runs alone on it.
package storetest
