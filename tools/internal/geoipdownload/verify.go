package geoipdownload

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// verify opens the database of an edition and decodes records of it: the first thousand, and those of addresses from all over
// the place.
func verify(path, edition string) (err error) {
	db, err := maxminddb.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if t := db.Metadata.DatabaseType; !sameSort(edition, t) {
		return fmt.Errorf("it is of type %.60q", t)
	}
	n := 0
	for result := range db.Networks() {
		var record any
		if err := result.Decode(&record); err != nil {
			return err
		}
		if n++; n == 1000 {
			break
		}
	}
	if n == 0 {
		return errors.New("there is nothing in it")
	}
	for i := range uint32(4096) {
		var ip [4]byte
		binary.BigEndian.PutUint32(ip[:], i<<20)
		var record any
		if err := db.Lookup(netip.AddrFrom4(ip)).Decode(&record); err != nil {
			return err
		}
	}
	return nil
}

// sameSort reports whether a database of a type may be the edition. They need not have the same name, but if one is of
// cities the other must be.
func sameSort(edition, databaseType string) bool {
	for _, sort := range []string{"City", "Country", "Enterprise", "Anonymous", "ASN", "ISP", "Domain", "Connection"} {
		if strings.Contains(edition, sort) && !strings.Contains(databaseType, sort) {
			return false
		}
	}
	return true
}
