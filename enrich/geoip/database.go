package geoip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strings"

	"github.com/oschwald/geoip2-golang/v2"
)

// maxSize is far above any database that there is, and keeps a wrong file from filling the memory.
const maxSize = 2<<30 - 1

// A kind is what sort of records a database has.
type kind string

const (
	city      kind = "City"
	country   kind = "Country"
	anonymous kind = "Anonymous IP"
)

func kindOf(databaseType string) kind {
	for _, k := range []struct {
		part string
		kind kind
	}{
		{"Country", country}, {"Anonymous", anonymous},
		{"City", city}, {"Enterprise", city}, {"Location", city},
	} {
		if strings.Contains(databaseType, k.part) {
			return k.kind
		}
	}
	return ""
}

// A database is a file that was read. It is never closed: look-ups may still use it when it is replaced, and the garbage
// collector knows.
type database struct {
	reader *geoip2.Reader
	only4  bool // it has no IPv6 addresses
	plus   bool // of the anonymous kinds
}

// read reads a database into memory. A mapped file would be quicker to open, but whoever truncates it would end the process
// with SIGBUS.
func read(path string, k kind) (*database, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if before.Size() > maxSize {
		return nil, fmt.Errorf("%s: %d bytes are too many", path, before.Size())
	}
	b := make([]byte, before.Size())
	if _, err := io.ReadFull(f, b); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	after, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !same(before, after) {
		return nil, fmt.Errorf("%s is written to while it is read: better rename a complete file over it", path)
	}
	reader, err := geoip2.OpenBytes(b)
	if err != nil {
		if unknown, ok := errors.AsType[geoip2.UnknownDatabaseTypeError](err); ok {
			return nil, fmt.Errorf("%s is a database of type %.60q, not %s", path, unknown.DatabaseType, k)
		}
		return nil, fmt.Errorf("%s is no complete database: %w", path, err)
	}
	meta := reader.Metadata()
	if kindOf(meta.DatabaseType) != k {
		return nil, fmt.Errorf("%s is a database of type %.60q, not %s", path, meta.DatabaseType, k)
	}
	db := &database{reader, meta.IPVersion == 4, strings.Contains(meta.DatabaseType, "Plus")}
	if err := db.probe(k); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return db, nil
}

// same reports whether a file was neither replaced nor written to.
func same(a, b fs.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// probe looks up addresses all over the place, which takes a few milliseconds. To look at everything takes seconds.
func (db *database) probe(k kind) error {
	for i := range uint32(512) {
		spread := i * 0x9E3779B1 // multiples of an odd number near 2^32/φ lie evenly
		var v4 [4]byte
		binary.BigEndian.PutUint32(v4[:], spread)
		v6 := [16]byte{0x20 | v4[0]&0x0f, v4[1], v4[2], v4[3]} // nearly all that is in use begins with 2
		for _, ip := range []netip.Addr{netip.AddrFrom4(v4), netip.AddrFrom16(v6)} {
			if !db.has(ip) {
				continue
			}
			var err error
			switch k {
			case city:
				_, err = db.reader.City(ip)
			case country:
				_, err = db.reader.Country(ip)
			default:
				_, err = db.anonymizer(ip)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// has reports whether the database is there and may know the address.
func (db *database) has(ip netip.Addr) bool { return db != nil && (ip.Is4() || !db.only4) }
