// Package store is the contract between sessions and whatever keeps them.
//
// An application does not import it: package session has aliases for what it needs. A backend implements [Store], and
// [Indexed] where it can find records by user; package storetest of the conformance module verifies it, sentence by
// sentence.
//
// # Rules for every implementation
//
//   - A store has no clock. It keeps the times that it is given and never decides whether a session is live; the caller
//     does, with [Record.Live]. What a server expires by itself is garbage collection, and happens no earlier than a
//     minute after ExpiresAt.
//   - Every method is safe for concurrent use.
//   - Every method honors ctx: a context that is done fails the call with an error that matches ctx.Err by [errors.Is].
//   - Ownership: a store neither modifies nor keeps a slice that it was given, and hands out none that it keeps. The
//     caller may change a record as soon as a call has returned.
//   - Times are UTC in whole microseconds; the zero time means none.
//   - Errors match one of this package's sentinels by [errors.Is], or are the context's; any other error is treated as
//     [ErrUnavailable]. No error text holds data of a record.
package store
