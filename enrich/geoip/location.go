package geoip

import (
	"net/netip"

	"github.com/oschwald/geoip2-golang/v2"

	"github.com/qsessions/qsessions/core/session"
)

// databases are what a look-up uses. They are replaced together.
type databases struct{ city, country, anonymous *database }

// locate finds what the databases know of ip, with names in the first language of order that has one.
func (d *databases) locate(ip netip.Addr, order []language) (l session.Location, err error) {
	if d.city.has(ip) {
		c, err := d.city.reader.City(ip)
		if err != nil {
			return session.Location{}, err
		}
		l = cityLocation(c, order)
	}
	if l.CountryCode == "" && d.country.has(ip) {
		c, err := d.country.reader.Country(ip)
		if err != nil {
			return session.Location{}, err
		}
		addCountry(&l, &c.Country, &c.Continent, order)
	}
	if d.anonymous.has(ip) {
		if l.Anonymizer, err = d.anonymous.anonymizer(ip); err != nil {
			return session.Location{}, err
		}
	}
	return l, nil
}

func cityLocation(c *geoip2.City, order []language) session.Location {
	l := session.Location{
		City:       name(&c.City.Names, order),
		PostalCode: c.Postal.Code,
		TimeZone:   c.Location.TimeZone,
	}
	if len(c.Subdivisions) > 0 { // the largest is the first
		l.Region, l.RegionCode = name(&c.Subdivisions[0].Names, order), c.Subdivisions[0].ISOCode
	}
	if c.Location.HasCoordinates() {
		p := session.Coordinates{Latitude: *c.Location.Latitude, Longitude: *c.Location.Longitude, RadiusKM: int(c.Location.AccuracyRadius)}
		if -90 <= p.Latitude && p.Latitude <= 90 && -180 <= p.Longitude && p.Longitude <= 180 { // NaN cannot be written as JSON
			l.Coordinates = p
		}
	}
	addCountry(&l, &c.Country, &c.Continent, order)
	return l
}

// addCountry keeps what l has where the records have nothing. Where an address is registered, or whom it represents, says
// nothing about where it is used.
func addCountry(l *session.Location, country *geoip2.CountryRecord, continent *geoip2.Continent, order []language) {
	if continent.Code != "" {
		l.Continent, l.ContinentCode = name(&continent.Names, order), continent.Code
	}
	l.Country, l.CountryCode, l.EU = name(&country.Names, order), country.ISOCode, country.IsInEuropeanUnion
}

func (db *database) anonymizer(ip netip.Addr) (session.Anonymizer, error) {
	if db.plus {
		a, err := db.reader.AnonymousPlus(ip)
		if err != nil {
			return session.Anonymizer{}, err
		}
		return session.Anonymizer{
			Anonymous: a.IsAnonymous, VPN: a.IsAnonymousVPN, PublicProxy: a.IsPublicProxy,
			ResidentialProxy: a.IsResidentialProxy, TorExit: a.IsTorExitNode, Hosting: a.IsHostingProvider,
		}, nil
	}
	a, err := db.reader.AnonymousIP(ip)
	if err != nil {
		return session.Anonymizer{}, err
	}
	return session.Anonymizer{
		Anonymous: a.IsAnonymous, VPN: a.IsAnonymousVPN, PublicProxy: a.IsPublicProxy,
		ResidentialProxy: a.IsResidentialProxy, TorExit: a.IsTorExitNode, Hosting: a.IsHostingProvider,
	}, nil
}
