// Package mmdb makes small databases of places, in the form of MaxMind's: for the demo, and for tests.
package mmdb

import (
	"bytes"
	"net"
	"net/netip"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// A Place is what is known of a network. Names are in English.
type Place struct {
	Network             netip.Prefix // also one that is reserved for documentation
	City                string       // left out of Country databases
	Region, RegionCode  string
	Country, Code       string
	Continent           string
	ContinentCode       string
	TimeZone            string
	Latitude, Longitude float64
	RadiusKM            uint16
	EU                  bool
}

// City returns a GeoLite2-City database that says it was built at a time.
func City(built time.Time, places ...Place) ([]byte, error) {
	return write("GeoLite2-City", built, places, Place.cityRecord)
}

// Country returns a GeoLite2-Country database that says it was built at a time.
func Country(built time.Time, places ...Place) ([]byte, error) {
	return write("GeoLite2-Country", built, places, Place.countryRecord)
}

func write(databaseType string, built time.Time, places []Place, record func(Place) mmdbtype.Map) ([]byte, error) {
	w, err := mmdbwriter.New(mmdbwriter.Options{
		BuildEpoch:              built.Unix(),
		DatabaseType:            databaseType,
		Description:             map[string]string{"en": "Made by qsessions, with invented places"},
		Languages:               []string{"en"},
		IncludeReservedNetworks: true,
	})
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		ip := p.Network.Addr()
		network := &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(p.Network.Bits(), ip.BitLen())}
		if err := w.Insert(network, record(p)); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	_, err = w.WriteTo(&b)
	return b.Bytes(), err
}

func (p Place) countryRecord() mmdbtype.Map {
	country, continent := named(p.Country), named(p.Continent)
	country["iso_code"], continent["code"] = mmdbtype.String(p.Code), mmdbtype.String(p.ContinentCode)
	if p.EU {
		country["is_in_european_union"] = mmdbtype.Bool(true)
	}
	return mmdbtype.Map{"country": country, "continent": continent}
}

func (p Place) cityRecord() mmdbtype.Map {
	r := p.countryRecord()
	r["city"] = named(p.City)
	region := named(p.Region)
	region["iso_code"] = mmdbtype.String(p.RegionCode)
	r["subdivisions"] = mmdbtype.Slice{region}
	r["location"] = mmdbtype.Map{
		"latitude": mmdbtype.Float64(p.Latitude), "longitude": mmdbtype.Float64(p.Longitude),
		"accuracy_radius": mmdbtype.Uint16(p.RadiusKM), "time_zone": mmdbtype.String(p.TimeZone),
	}
	return r
}

func named(name string) mmdbtype.Map {
	return mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(name)}}
}
