package geoip_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/netip"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/enrich/geoip"
)

func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	places, err := geoip.Open(geoip.Config{Dir: "/var/lib/GeoIP", Logger: slog.Default()})
	if err != nil {
		log.Print(err) // sessions work without places
		return
	}
	go places.Run(ctx) // picks up new files

	sessions, err := session.New(new(memory.Store), session.Config{Enrichers: []session.Enricher{places}})
	if err != nil {
		log.Print(err)
		return
	}
	// The names are in the language of the one who reads the list.
	for info, err := range sessions.Sessions(geoip.WithLanguages(ctx, "de-AT", "fr"), "alice") {
		if err != nil {
			log.Print(err)
			return
		}
		fmt.Println(info.IP, info.Location, info.Location.TimeZone)
	}
}

// The reader can be used alone.
func ExampleReader_Locate() {
	places, err := geoip.Open(geoip.Config{City: "GeoLite2-City.mmdb", Country: "GeoLite2-Country.mmdb"})
	if err != nil {
		log.Print(err)
		return
	}
	l, err := places.Locate(netip.MustParseAddr("89.160.20.112"))
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(l, l.CountryCode, l.Coordinates.RadiusKM)
}
