package session

// A Location is where an address is used, as somebody's database has it: often the right country, sometimes the right
// city. Empty fields are unknown.
type Location struct {
	City          string `json:"city,omitempty"`           // for people, in one language, as all names
	Region        string `json:"region,omitempty"`         // the largest part of the country: "California"
	RegionCode    string `json:"region_code,omitempty"`    // ISO 3166-2, without the country: "CA"
	Country       string `json:"country,omitempty"`        // "United States"
	CountryCode   string `json:"country_code,omitempty"`   // ISO 3166-1 alpha-2: "US"
	Continent     string `json:"continent,omitempty"`      // "North America"
	ContinentCode string `json:"continent_code,omitempty"` // AF, AN, AS, EU, NA, OC or SA
	PostalCode    string `json:"postal_code,omitempty"`
	TimeZone      string `json:"time_zone,omitempty"` // of the IANA database: "America/Los_Angeles"

	Coordinates Coordinates `json:"coordinates,omitzero"`

	EU         bool       `json:"eu,omitempty"` // a member state of the European Union
	Anonymizer Anonymizer `json:"anonymizer,omitzero"`
}

// Coordinates are a point in degrees, north and east, in the middle of where an address may be. The zero value is unknown:
// there is nobody there.
type Coordinates struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	RadiusKM  int     `json:"radius_km,omitempty"` // of a circle in which it probably is; 0: unknown
}

// An Anonymizer says that an address is that of a service which hides who uses it, or of a data center. False is unknown.
type Anonymizer struct {
	Anonymous        bool `json:"anonymous,omitempty"` // any of the kinds, or one that is not known
	VPN              bool `json:"vpn,omitempty"`
	PublicProxy      bool `json:"public_proxy,omitempty"`
	ResidentialProxy bool `json:"residential_proxy,omitempty"`
	TorExit          bool `json:"tor_exit,omitempty"`
	Hosting          bool `json:"hosting,omitempty"`
}

// String is for people: "Tehran, Iran", the country alone, its code where it has no name, or "".
func (l Location) String() string {
	country := l.Country
	if country == "" {
		country = l.CountryCode
	}
	if l.City == "" || country == "" {
		return l.City + country
	}
	return l.City + ", " + country
}
