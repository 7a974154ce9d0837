// Package rueidisstore keeps sessions in Redis, or copies of them in front of a database: on one server, behind Sentinel, or
// in a Cluster. A [Cache] is a store.Cache of core, the fast half of package cacheddb. A [Store] is a store.Indexed, for
// applications that have Redis and no database.
package rueidisstore
