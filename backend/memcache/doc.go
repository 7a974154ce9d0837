// Package memcachestore keeps sessions in memcached: a [Cache] for the copies in front of a database.
package memcachestore
