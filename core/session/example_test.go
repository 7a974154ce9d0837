package session_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// request does what an adapter does for each request: cookie is the Cookie header of a client, and the result is the one
// that it sends with its next request.
func request(m *session.Manager, c session.Client, cookie string, handler func(context.Context)) string {
	ctx, _ := m.Start(context.Background(), c, cookie)
	defer m.Close(ctx)
	handler(ctx)
	effect, err := m.Commit(ctx)
	if err != nil {
		fmt.Println("500", err)
		return cookie
	}
	if effect.Name == "Set-Cookie" {
		cookie, _, _ = strings.Cut(effect.Value, ";")
	}
	return cookie
}

var nobody session.Client

type item struct {
	Name  string
	Count int
}

const (
	cart  session.Key[[]item]   = "cart"
	flash session.Key[[]string] = "flash"
)

// A login keeps the values, and replaces the token.
func Example_login() {
	sessions, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	anonymous := request(sessions, nobody, "", func(ctx context.Context) {
		s, err := session.From(ctx)
		if err != nil {
			fmt.Println("503", err)
			return
		}
		cart.Set(s, []item{{"tea", 1}})
	})
	cookie := request(sessions, nobody, anonymous, func(ctx context.Context) {
		s, err := session.From(ctx)
		if err != nil {
			fmt.Println("503", err)
			return
		}
		s.Login("alice") // once the password has been checked
	})
	for _, c := range []string{anonymous, cookie} {
		request(sessions, nobody, c, func(ctx context.Context) {
			s, err := sessions.Require(ctx, session.Requirement{})
			switch {
			case errors.Is(err, session.ErrUnauthenticated):
				fmt.Println("to the login page")
			case errors.Is(err, session.ErrReplaced):
				fmt.Println("409: use the newest token and try again")
			case err != nil:
				fmt.Println("503", err)
			default:
				fmt.Println(s.User(), cart.Get(s))
			}
		})
	}
	// Output:
	// 409: use the newest token and try again
	// alice [{tea 1}]
}

// A cart: Update runs again on what another request saved in between, so that no item is lost.
func ExampleKey() {
	sessions, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	add := func(ctx context.Context, name string) {
		s, err := session.From(ctx)
		if err != nil {
			fmt.Println("503", err)
			return
		}
		cart.Update(s, func(items []item) []item { return append(items, item{name, 1}) })
	}
	cookie := request(sessions, nobody, "", func(ctx context.Context) { add(ctx, "tea") })
	request(sessions, nobody, cookie, func(ctx context.Context) {
		if _, err := session.From(ctx); err != nil { // this request has read the session,
			fmt.Println("503", err)
			return
		}
		request(sessions, nobody, cookie, func(ctx context.Context) { add(ctx, "milk") }) // another one changes it,
		add(ctx, "sugar")                                                                 // and neither loses its item
	})
	request(sessions, nobody, cookie, func(ctx context.Context) {
		s, err := session.From(ctx)
		if err != nil {
			fmt.Println("503", err)
			return
		}
		fmt.Println(cart.Get(s))
	})
	// Output: [{tea 1} {milk 1} {sugar 1}]
}

// Messages that are shown once, on the next page.
func ExampleKey_Pop() {
	sessions, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	cookie := request(sessions, nobody, "", func(ctx context.Context) {
		s, err := session.From(ctx)
		if err != nil {
			fmt.Println("503", err)
			return
		}
		flash.Update(s, func(m []string) []string { return append(m, "Saved.") })
		flash.Update(s, func(m []string) []string { return append(m, "A mail is on its way.") })
	})
	for page := 1; page <= 2; page++ {
		request(sessions, nobody, cookie, func(ctx context.Context) {
			s, err := session.From(ctx)
			if err != nil {
				fmt.Println("503", err)
				return
			}
			fmt.Printf("page %d: %q\n", page, flash.Pop(s))
		})
	}
	// Output:
	// page 1: ["Saved." "A mail is on its way."]
	// page 2: []
}

// "Your devices": a user sees where they are signed in, and ends one of the sessions.
func ExampleManager_Sessions() {
	sessions, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	login := func(ctx context.Context) {
		if s, err := session.From(ctx); err == nil {
			s.Login("alice")
		}
	}
	request(sessions, session.Client{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "phone"}, "", login)
	laptop := request(sessions, session.Client{IP: netip.MustParseAddr("2001:db8::1"), UserAgent: "laptop"}, "", login)

	request(sessions, nobody, laptop, func(ctx context.Context) {
		s, err := sessions.Require(ctx, session.Requirement{})
		if err != nil {
			fmt.Println(err)
			return
		}
		devices, err := session.Collect(sessions.Sessions(ctx, s.User()))
		if err != nil {
			fmt.Println("503", err)
			return
		}
		for _, d := range devices {
			fmt.Println(d.UserAgent, d.IP, d.Current)
			if !d.Current {
				fmt.Println("revoke:", sessions.Revoke(ctx, s.User(), d.ID))
			}
		}
		devices, err = session.Collect(sessions.Sessions(ctx, s.User()))
		fmt.Println(len(devices), "left,", err)
	})
	// Unordered output:
	// laptop 2001:db8::1 true
	// phone 192.0.2.1 false
	// revoke: <nil>
	// 1 left, <nil>
}

// An enricher of one's own: the network operator of an address, and its number, as a database of autonomous systems has
// them.
func ExampleEnricher() {
	type system struct{ number, operator string }
	systems := map[netip.Prefix]system{
		netip.MustParsePrefix("192.0.2.0/24"):   {"AS64496", "Example Telecom"},
		netip.MustParsePrefix("2001:db8::/32"):  {"AS64497", "Example University"},
		netip.MustParsePrefix("203.0.113.0/24"): {"AS64498", "Example Mobile"},
	}
	operator := session.EnricherFunc(func(_ context.Context, c session.Client) (session.Facts, error) {
		for prefix, s := range systems {
			if prefix.Contains(c.IP) {
				return session.Facts{Extra: map[string]string{"asn": s.number, "network operator": s.operator}}, nil
			}
		}
		return session.Facts{}, nil
	})
	sessions, err := session.New(new(memory.Store), session.Config{Enrichers: []session.Enricher{operator}})
	if err != nil {
		fmt.Println(err)
		return
	}
	request(sessions, session.Client{IP: netip.MustParseAddr("2001:db8::1")}, "", func(ctx context.Context) {
		if s, err := session.From(ctx); err == nil {
			s.Login("alice")
		}
	})
	for info, err := range sessions.Sessions(context.Background(), "alice") {
		if err != nil {
			fmt.Println("503", err)
			return
		}
		fmt.Println(info.IP, info.Extra["asn"], info.Extra["network operator"])
	}
	// Output: 2001:db8::1 AS64497 Example University
}

// With Keys the database holds values that only the application can read.
func Example_encryption() {
	key := make([]byte, 32) // in production: from a secret store
	_, _ = rand.Read(key)
	db := new(memory.Store)
	sessions, err := session.New(db, session.Config{Keys: [][]byte{key}})
	if err != nil {
		fmt.Println(err)
		return
	}
	cookie := request(sessions, nobody, "", func(ctx context.Context) {
		if s, err := session.From(ctx); err == nil {
			cart.Set(s, []item{{"chocolate", 3}})
		}
	})
	for r, err := range db.List(context.Background(), store.Query{Data: true}) {
		fmt.Println("legible in the database:", bytes.Contains(r.Data, []byte("chocolate")), err)
	}
	request(sessions, nobody, cookie, func(ctx context.Context) {
		if s, err := session.From(ctx); err == nil {
			fmt.Println("legible here:", cart.Get(s))
		}
	})
	// Output:
	// legible in the database: false <nil>
	// legible here: [{chocolate 3}]
}

// A worker without any request revokes whatever a user has: the account was closed.
func ExampleManager_RevokeUser() {
	db := new(memory.Store)
	web, err := session.New(db, session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	worker, err := session.New(db, session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	login := func(ctx context.Context) {
		if s, err := session.From(ctx); err == nil {
			s.Login("mallory")
		}
	}
	request(web, nobody, "", login)
	cookie := request(web, nobody, "", login)

	n, err := worker.RevokeUser(context.Background(), "mallory")
	var pending *session.PendingError
	switch {
	case errors.As(err, &pending):
		fmt.Println("ended everywhere by", pending.EffectiveBy)
	case err != nil:
		fmt.Println("try again:", err)
		return
	}
	fmt.Println(n, "sessions ended")
	request(web, nobody, cookie, func(ctx context.Context) {
		if s, err := session.From(ctx); err == nil {
			fmt.Printf("the old cookie is of %q\n", s.User())
		}
	})
	// Output:
	// 2 sessions ended
	// the old cookie is of ""
}
