// Package memcachestore keeps sessions in memcached: a [Cache] for the copies in front of a database, and a [Store] for
// sessions that may be lost.
package memcachestore
