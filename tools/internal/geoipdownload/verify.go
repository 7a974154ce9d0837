package geoipdownload

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"
)

// verify opens a database of any type and decodes records of it: the first thousand, and those of addresses from all over
// the place.
func verify(path string) (err error) {
	db, err := maxminddb.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
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
