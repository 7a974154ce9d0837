package demo

import (
	"net/netip"

	"github.com/qsessions/qsessions/tools/internal/mmdb"
)

// A city has two networks that are for documentation (RFC 5737 and RFC 3849), and as many made-up people as its weight.
type city struct {
	weight           int
	v4, v6           netip.Prefix
	name, code, zone string
	lat, long        float64
}

// atlas returns the cities of the example places. At most 47 have room: one network of the 48 belongs to nobody, as there
// are always addresses that a database does not know.
func atlas() []city {
	cities := []city{
		{weight: 9, name: "Berlin", code: "DE", zone: "Europe/Berlin", lat: 52.5, long: 13.4},
		{weight: 5, name: "Hamburg", code: "DE", zone: "Europe/Berlin", lat: 53.6, long: 10},
		{weight: 5, name: "Munich", code: "DE", zone: "Europe/Berlin", lat: 48.1, long: 11.6},
		{weight: 3, name: "Cologne", code: "DE", zone: "Europe/Berlin", lat: 50.9, long: 7},
		{weight: 4, name: "Vienna", code: "AT", zone: "Europe/Vienna", lat: 48.2, long: 16.4},
		{weight: 4, name: "Zurich", code: "CH", zone: "Europe/Zurich", lat: 47.4, long: 8.5},
		{weight: 5, name: "Amsterdam", code: "NL", zone: "Europe/Amsterdam", lat: 52.4, long: 4.9},
		{weight: 6, name: "Paris", code: "FR", zone: "Europe/Paris", lat: 48.9, long: 2.4},
		{weight: 2, name: "Lyon", code: "FR", zone: "Europe/Paris", lat: 45.8, long: 4.8},
		{weight: 4, name: "Madrid", code: "ES", zone: "Europe/Madrid", lat: 40.4, long: -3.7},
		{weight: 3, name: "Lisbon", code: "PT", zone: "Europe/Lisbon", lat: 38.7, long: -9.1},
		{weight: 4, name: "Milan", code: "IT", zone: "Europe/Rome", lat: 45.5, long: 9.2},
		{weight: 4, name: "Warsaw", code: "PL", zone: "Europe/Warsaw", lat: 52.2, long: 21},
		{weight: 2, name: "Linköping", code: "SE", zone: "Europe/Stockholm", lat: 58.4, long: 15.6},
		{weight: 6, name: "London", code: "GB", zone: "Europe/London", lat: 51.5, long: -0.1},
		{weight: 2, name: "Manchester", code: "GB", zone: "Europe/London", lat: 53.5, long: -2.2},
		{weight: 2, name: "Kyiv", code: "UA", zone: "Europe/Kyiv", lat: 50.5, long: 30.5},
		{weight: 3, name: "Istanbul", code: "TR", zone: "Europe/Istanbul", lat: 41, long: 29},
		{weight: 3, name: "Tehran", code: "IR", zone: "Asia/Tehran", lat: 35.7, long: 51.4},
		{weight: 2, name: "Nairobi", code: "KE", zone: "Africa/Nairobi", lat: -1.3, long: 36.8},
		{weight: 1, name: "Cape Town", code: "ZA", zone: "Africa/Johannesburg", lat: -33.9, long: 18.4},
		{weight: 4, name: "Mumbai", code: "IN", zone: "Asia/Kolkata", lat: 19.1, long: 72.9},
		{weight: 2, name: "Seoul", code: "KR", zone: "Asia/Seoul", lat: 37.6, long: 127},
		{weight: 3, name: "Tokyo", code: "JP", zone: "Asia/Tokyo", lat: 35.7, long: 139.7},
		{weight: 1, name: "Kyoto", code: "JP", zone: "Asia/Tokyo", lat: 35, long: 135.8},
		{weight: 2, name: "Sydney", code: "AU", zone: "Australia/Sydney", lat: -33.9, long: 151.2},
		{weight: 1, name: "Wellington", code: "NZ", zone: "Pacific/Auckland", lat: -41.3, long: 174.8},
		{weight: 4, name: "São Paulo", code: "BR", zone: "America/Sao_Paulo", lat: -23.5, long: -46.6},
		{weight: 2, name: "Mexico City", code: "MX", zone: "America/Mexico_City", lat: 19.4, long: -99.1},
		{weight: 2, name: "Montreal", code: "CA", zone: "America/Toronto", lat: 45.5, long: -73.6},
		{weight: 7, name: "New York", code: "US", zone: "America/New_York", lat: 40.7, long: -74},
		{weight: 3, name: "Chicago", code: "US", zone: "America/Chicago", lat: 41.9, long: -87.6},
		{weight: 4, name: "San Francisco", code: "US", zone: "America/Los_Angeles", lat: 37.8, long: -122.4},
	}
	blocks := [...][3]byte{{192, 0, 2}, {198, 51, 100}, {203, 0, 113}}
	for i := range cities {
		b := blocks[i%len(blocks)]
		cities[i].v4 = netip.PrefixFrom(netip.AddrFrom4([4]byte{b[0], b[1], b[2], byte(i / len(blocks) * 16)}), 28)
		cities[i].v6 = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, byte(i + 1)}), 48)
	}
	return cities
}

// unknown is the network that is in no database.
func unknown() netip.Prefix { return netip.MustParsePrefix("203.0.113.240/28") }

// documented returns the network for documentation, of a city or of nobody, that ip is in, if there is one.
func documented(ip netip.Addr) (netip.Prefix, bool) {
	for _, all := range [...]string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"} {
		if p := netip.MustParsePrefix(all); p.Contains(ip) {
			bits := 28
			if ip.Is6() {
				bits = 48
			}
			return netip.PrefixFrom(ip, bits).Masked(), true
		}
	}
	return netip.Prefix{}, false
}

// examplePlaces are both networks of each city.
func examplePlaces() []mmdb.Place {
	type country struct {
		name, continent string
		eu              bool
	}
	countries := map[string]country{
		"DE": {"Germany", "EU", true}, "AT": {"Austria", "EU", true}, "CH": {"Switzerland", "EU", false}, "NL": {"Netherlands", "EU", true},
		"FR": {"France", "EU", true}, "ES": {"Spain", "EU", true}, "PT": {"Portugal", "EU", true}, "IT": {"Italy", "EU", true},
		"PL": {"Poland", "EU", true}, "SE": {"Sweden", "EU", true}, "GB": {"United Kingdom", "EU", false}, "UA": {"Ukraine", "EU", false},
		"TR": {"Türkiye", "AS", false}, "IR": {"Iran", "AS", false}, "KE": {"Kenya", "AF", false}, "ZA": {"South Africa", "AF", false},
		"IN": {"India", "AS", false}, "KR": {"South Korea", "AS", false}, "JP": {"Japan", "AS", false}, "AU": {"Australia", "OC", false},
		"NZ": {"New Zealand", "OC", false}, "BR": {"Brazil", "SA", false}, "MX": {"Mexico", "NA", false}, "CA": {"Canada", "NA", false},
		"US": {"United States", "NA", false},
	}
	continents := map[string]string{
		"AF": "Africa", "AS": "Asia", "EU": "Europe", "NA": "North America", "OC": "Oceania", "SA": "South America",
	}
	var places []mmdb.Place
	for _, c := range atlas() {
		in := countries[c.code]
		for _, network := range []netip.Prefix{c.v4, c.v6} {
			places = append(places, mmdb.Place{
				Network: network, City: c.name, Country: in.name, Code: c.code, Continent: continents[in.continent], ContinentCode: in.continent,
				TimeZone: c.zone, Latitude: c.lat, Longitude: c.long, RadiusKM: 20, EU: in.eu,
			})
		}
	}
	return places
}
