// Package memory is a store and a cache in the memory of one process: for tests, for development, and for an application
// that runs as one process. Both are exact, and the reference that others are compared with.
//
// [Store] implements all of [store.Indexed]. An application that uses it signs everybody out when it restarts. It is
// bounded and refuses what does not fit; it never evicts a session. It starts no goroutine and has no clock, so only
// [Store.Sweep] makes room: call it regularly.
//
// [Cache] implements [store.Cache]: copies in front of a database that no other process writes to, as nobody would tell
// this one's copies. It is bounded and drops what does not fit.
package memory
