package pages

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// A Person is what people know a user by.
type Person struct {
	Name   string // "Jane Doe"; "": the user's ID is shown
	Detail string // tells people of the same name apart: "jane@example.com"; "": nothing
	URL    string // of the application's page about the user, for operators: a path, or an address with http or https; "": none
}

// The bounds of what an application's hooks may take and return.
const (
	hookTime    = 2 * time.Second
	maxFound    = 20  // users that a search shows sessions of
	maxNameText = 200 // characters of a name, or a detail, that are shown
)

// hook calls f within hookTime, without its panics. An f that does not honor ctx goes on alone, and its result is dropped.
func hook[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	done := make(chan result, 1) // room, so that a late one does not block for ever
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r.err = fmt.Errorf("panic: %v", p)
			}
			done <- r
		}()
		r.v, r.err = f(ctx)
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// people asks Config.Names once for a page. Without it, and where it fails, users are known by their IDs.
func (v *view) people(users ...string) map[string]Person {
	slices.Sort(users)
	users = slices.DeleteFunc(slices.Compact(users), func(u string) bool { return u == "" })
	if v.config.Names == nil || len(users) == 0 {
		return nil
	}
	found, err := hook(v.r.Context(), func(ctx context.Context) (map[string]Person, error) {
		return v.config.Names(ctx, slices.Clone(users))
	})
	if err != nil {
		v.hookFailed("Names", err)
		return nil
	}
	known := make(map[string]Person, len(users)) // the application may go on to change its own
	for _, user := range users {
		p, ok := found[user]
		if !ok {
			continue
		}
		p.Name, p.Detail = shorten(p.Name), shorten(p.Detail)
		if _, err := origin(p.URL); err != nil {
			p.URL = ""
		}
		known[user] = p
	}
	return known
}

// self is people for the account page: of the user who asks, without the address that is for operators.
func (v *view) self() map[string]Person {
	people := v.people(v.session.User())
	for user, p := range people {
		p.URL = ""
		people[user] = p
	}
	return people
}

func (v *view) hookFailed(name string, err error) {
	if errors.Is(err, context.Canceled) && v.r.Context().Err() != nil {
		return // the client has gone
	}
	v.config.Logger.LogAttrs(v.r.Context(), slog.LevelError, "pages: a hook failed", slog.String("hook", name), slog.Any("error", err))
}

func shorten(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "\ufffd"))
	if n := 0; utf8.RuneCountInString(s) > maxNameText {
		for i := range s {
			if n++; n == maxNameText {
				return s[:i] + "…"
			}
		}
	}
	return s
}

// A whose says whose sessions a search is for.
type whose struct {
	users []string // nil: everyone's
	more  bool     // the search finds more users than these
}

// whose finds the users that f.Find means: those that AdminConfig.FindUsers knows by it, and the one of that ID if it has
// sessions. An error is that of FindUsers alone; then it is the one of that ID.
func (a *Admin) whose(v *view, f Filter) (w whose, failed, err error) {
	if f.Find == "" {
		return whose{}, nil, nil
	}
	var found []string
	if a.config.FindUsers != nil {
		found, failed = hook(v.r.Context(), func(ctx context.Context) ([]string, error) { return a.config.FindUsers(ctx, f.Find) })
	}
	if failed != nil {
		v.hookFailed("FindUsers", failed)
		return whose{users: []string{f.Find}}, failed, nil
	}
	w.users = []string{}
	if !slices.Contains(found, f.Find) { // a name must not be taken for a user: RevokeUser would note a cut-off for it
		some, err := session.Collect(v.each(session.Query{User: f.Find, Live: time.UnixMicro(1).UTC(), Limit: 1}))
		if err != nil {
			return w, nil, err
		}
		if len(some) > 0 {
			w.users = append(w.users, f.Find)
		}
	}
	for _, user := range found {
		if !goodUser(user) || slices.Contains(w.users, user) {
			continue
		}
		if len(w.users) == maxFound {
			w.more = true
			break
		}
		w.users = append(w.users, user)
	}
	return w, nil, nil
}

func goodUser(s string) bool {
	return s != "" && len(s) <= store.MaxUser && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

// Who is a user as people know them: Name is the ID where nothing better is known. Every part of it goes through Show.
func (p *Page) Who(user string) Person {
	known := p.people[user]
	if known.Name == "" {
		known.Name = user
	}
	return known
}

// Known makes the template "who" show a user.
func (p *Page) Known(user string) Known { return Known{p, p.Who(user)} }

// A Known user is the argument of the template "who".
type Known struct {
	Page   *Page
	Person Person
}

// Nameless reports whether a user's ID says nothing to people: a number or a UUID, where Config.Names is not there to say more.
func (p *Page) Nameless(user string) bool {
	uuid := len(user) == 36 && strings.Count(user, "-") == 4 && strings.Trim(user, "0123456789abcdefABCDEF-") == ""
	return !p.named && (uuid || strings.Trim(user, "0123456789") == "")
}
