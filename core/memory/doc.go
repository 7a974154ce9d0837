// Package memory is a store in the memory of one process: for tests, for development, and for an application that runs
// as one process and may sign everybody out when it restarts. It implements all of [store.Indexed], exactly, and is the
// reference that other stores are compared with.
//
// It is bounded and refuses what does not fit; it never evicts a session. It starts no goroutine and has no clock, so
// only [Store.Sweep] makes room: call it regularly.
package memory
