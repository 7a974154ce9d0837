package geoip

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"
)

// Config says where the databases are. At least one of Dir, City and Country is needed. [Open] does not keep its slice.
type Config struct {
	// Dir is a folder with databases under MaxMind's names: GeoIP2-City.mmdb or else GeoLite2-City.mmdb, the same for
	// Country, and GeoIP2-Anonymous-IP.mmdb or else GeoIP-Anonymous-Plus.mmdb. What is not there is done without, but
	// City or Country must be; what comes later is picked up.
	Dir string
	// City is the file of a City or Enterprise database, instead of one in Dir.
	City string
	// Country is the file of a Country database, instead of one in Dir. It is asked where the City database, if there is
	// one, does not know the country.
	Country string
	// Anonymous is the file of an Anonymous IP or Anonymous Plus database, instead of one in Dir.
	Anonymous string

	// Languages are those of the reader, the best first, as BCP 47 tags: "de", "pt-BR". The databases have names in
	// English, German, Spanish, French, Japanese, Brazilian Portuguese, Russian and simplified Chinese; another one is an
	// error. A name that is in none of them is in English, or in any language rather than none. Default: English. For one
	// list of sessions [WithLanguages] wins.
	Languages []string

	// PollEvery is how often [Reader.Run] looks for new files; default 1 minute, at most 24 hours.
	PollEvery time.Duration
	// Logger is told what Run does; default: nobody is.
	Logger *slog.Logger
}

const maxPollEvery = 24 * time.Hour

func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" && c.City == "" && c.Country == "" {
		return c, errors.New("geoip: Config names no database: Dir, City or Country")
	}
	if c.PollEvery < 0 || c.PollEvery > maxPollEvery {
		return c, fmt.Errorf("geoip: Config.PollEvery is %v, not between 0 and %v", c.PollEvery, maxPollEvery)
	}
	if c.PollEvery == 0 {
		c.PollEvery = time.Minute
	}
	for i, tag := range c.Languages {
		if _, ok := languageOf(tag); !ok {
			return c, fmt.Errorf("geoip: Config.Languages[%d]: there are no names in %.40q", i, tag)
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// sources returns where the databases may be.
func (c Config) sources() []*source {
	all := []*source{
		{kind: city, field: "City", paths: []string{c.City}},
		{kind: country, field: "Country", paths: []string{c.Country}},
		{kind: anonymous, field: "Anonymous", paths: []string{c.Anonymous}},
	}
	names := [][]string{
		{"GeoIP2-City.mmdb", "GeoLite2-City.mmdb"},
		{"GeoIP2-Country.mmdb", "GeoLite2-Country.mmdb"},
		{"GeoIP2-Anonymous-IP.mmdb", "GeoIP-Anonymous-Plus.mmdb"},
	}
	var used []*source
	for i, s := range all {
		if s.paths[0] == "" {
			if c.Dir == "" {
				continue
			}
			s.field, s.optional, s.paths = "Dir", true, nil
			for _, name := range names[i] {
				s.paths = append(s.paths, filepath.Join(c.Dir, name))
			}
		}
		used = append(used, s)
	}
	return used
}
