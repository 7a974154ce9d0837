// Package adaptertest verifies that an adapter gives the handlers of a web framework their sessions as all adapters do, by
// real HTTP messages.
//
// Its author says how an application is served: what an [App] has, in the framework's terms, and an [Exchange] over the
// framework's request and response.
//
//	func TestContract(t *testing.T) {
//		adaptertest.Run(t, adaptertest.Config{Start: start})
//	}
//
// What the framework cannot do is named in Config.Lacks; the cases that need it are then skipped, and reported as not
// covered. [Check] is Run without package testing's flow: it returns an error, so that a program or a test of an adapter
// that is wrong on purpose can use it too. [Cases] is the contract as data.
//
// The suite makes the managers, over a store in memory that it takes away and counts the calls of. What it expects of
// Set-Cookie it has from package session itself, so that adapters that pass send the same bytes. It needs the race detector
// to find memory that is used after it was given back.
package adaptertest
