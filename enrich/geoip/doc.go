// Package geoip tells people where a session is used: it finds the location of an address in the GeoIP2 and GeoLite2
// databases of MaxMind, or those of the same form, through github.com/oschwald/geoip2-golang.
//
//	places, err := geoip.Open(geoip.Config{Dir: "/var/lib/GeoIP"})
//	go places.Run(ctx) // picks up new files
//	sessions, err := session.New(db, session.Config{Enrichers: []session.Enricher{places}})
//
// Then a listed session has a Location: "Linköping, Sweden", and in parts: city, region, country and continent with their
// codes, postal code, time zone, coordinates with the radius in which the address probably is, whether the country is in the
// European Union, and, from an Anonymous IP database, which kind of anonymizer the address belongs to. The city comes from a
// City database; where that does not know the country, a Country database is asked.
//
// None of it is certain, and nothing may be decided by it.
//
// # Files
//
// The databases are not part of this module: they come from MaxMind, with an account. The command
// `qsessions geoip download`, or MaxMind's geoipupdate, keeps them current.
//
// Each is read into memory, some 65 MB for GeoLite2-City and 10 MB for GeoLite2-Country, and for a moment twice that when a
// new one comes. What happens to the file later cannot harm a look-up. A file should be replaced by renaming a complete one over
// it. [Reader.Run] sees that within a minute. One that is missing, truncated, damaged or of another type is an error of
// [Open]; later it is one warning in the log, and the old data stay.
//
// # Cost
//
// To read GeoLite2-City takes some 50 milliseconds. A look-up takes some microseconds, and happens only when somebody looks at
// sessions.
package geoip
