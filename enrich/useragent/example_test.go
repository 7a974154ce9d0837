package useragent_test

import (
	"context"
	"fmt"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/enrich/useragent"
)

const phone = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Mobile Safari/537.36"

func Example() {
	agents, err := useragent.New(useragent.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	sessions, err := session.New(new(memory.Store), session.Config{Enrichers: []session.Enricher{agents}})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Your adapter does this.
	ctx, _ := sessions.Start(context.Background(), session.Client{UserAgent: phone})
	if s, err := session.From(ctx); err == nil {
		s.Login("alice")
	}
	if _, err := sessions.Commit(ctx); err != nil {
		fmt.Println(err)
	}
	sessions.Close(ctx)

	for info, err := range sessions.Sessions(context.Background(), "alice") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(info.Device)
		fmt.Println(info.Device.Short())
	}
	// Output:
	// K / Android 10 / Chrome Mobile 118.0.0.0
	// Chrome on Android
}

// The parser can be used alone. With hints, the phone is a real one.
func ExampleParser_Parse() {
	agents, err := useragent.New(useragent.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	d := agents.Parse(phone, session.Hints{Platform: `"Android"`, PlatformVersion: `"14.0.0"`, Model: `"SM-G991B"`, Mobile: "?1"})
	fmt.Println(d)
	fmt.Println(d.Kind, d.Brand, d.Model, d.OS.Name, d.OS.Version(), d.Browser.Name, d.Browser.Major)
	// Output:
	// Samsung SM-G991B / Android 14 / Chrome Mobile 118.0.0.0
	// mobile Samsung SM-G991B Android 14 Chrome Mobile 118
}
