package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

// A Config configures a [Manager]. Its zero value is secure. [New] copies it.
type Config struct {
	Policy Policy
	// PerUser caps the sessions of one user. It needs a store.Indexed.
	PerUser Limit

	// Cookie is the cookie that carries the token.
	Cookie Cookie
	// OldCookies are the names and scopes (Domain, Path, Partitioned) that Cookie had before; at most 16. A token that comes
	// under an old name is read, handed out anew as Cookie, and taken back under the old name; after a change of scope under
	// the same name, the old cookie is taken back with the next one that the browser gets, at the latest a
	// Policy.TouchEvery after it has shown both. Keep them for as long as the cookies may live. Where instances of two
	// releases run side by side, the one of before must know the new name: a release that only lists it here comes first.
	OldCookies []Cookie
	// Header is the name of a header that carries the token instead of the cookie, in both directions, for clients that
	// are not browsers. A request may write "Bearer " before the token. An empty value in a response means that the
	// session has ended. It goes with neither Cookie nor OldCookies: a token in the other place is not looked at.
	Header string
	// Realm keeps the tokens of managers over one store apart: a token of one realm opens nothing in another. The default is
	// the name that the token comes under: that of Cookie, of an old cookie, or of Header. Managers whose clients are to
	// share sessions, such as a website's and its app's, set the same one. At most 128 bytes.
	Realm string

	// LoginLimits returns the idle timeout and the lifetime of a session by its login, for policies per role; default: those of
	// Policy. Zero stands for those, too. It is called in the goroutine of a login or re-authentication, and when a session is
	// loaded, as a stricter answer binds sessions that exist: it must do no I/O, use no session, and be safe for concurrent
	// use. It must give one Login the same answer whenever it is asked: a lifetime until midnight is counted from
	// Login.AuthenticatedAt, as one that is counted from time.Now is shorter with each request, and ends the session early.
	// Sessions with [Limits] of their own do not ask it.
	LoginLimits func(Login) (idle, lifetime time.Duration)
	// NoStore forbids browsers and caches to keep the responses that depend on a signed-in user (Cache-Control: no-store), so
	// that Back after a sign-out asks the server again. With the default, "private, no-cache", a browser asks before it uses
	// what it has kept, but may show a page again that it had left open (the back/forward cache). A response that has a
	// Cache-Control keeps its own in either case.
	NoStore bool

	// MaxData is how many bytes the values of one session may have, names included; default 64 KiB, at most 8 MiB.
	MaxData int
	// Codec encodes single values; default [JSON].
	Codec Codec
	// Keys turns on encryption of the values: each key has 32 random bytes, the first one encrypts, all decrypt. Every change
	// takes several steps, as instances from before and after each step run side by side: each must be able to read what the
	// other writes. Take the next step when all instances have taken the one before.
	//
	// To rotate keys:
	//  1. Keys: {old, new}
	//  2. Keys: {new, old}
	//  3. Keys: {new}, when the longest lifetime of the Policy has passed since
	//
	// To turn encryption on:
	//  1. Keys: {key}, ReadPlaintext and WritePlaintext
	//  2. Keys: {key}, ReadPlaintext
	//  3. Keys: {key}, when the longest lifetime has passed since
	//
	// To turn it off, take these steps in reverse, and drop Keys when the longest lifetime has passed since
	// WritePlaintext was set. Values that cannot be read are absent, and a change of them fails with [ErrCorrupt].
	Keys [][]byte
	// ReadPlaintext also reads values that are not encrypted, WritePlaintext writes them so. They are for the steps above.
	// WritePlaintext needs ReadPlaintext, and both need Keys.
	ReadPlaintext, WritePlaintext bool

	// Enrichers find facts for people about the clients of listed sessions. None of them runs on the request path.
	Enrichers []Enricher
	// EnrichTimeout is how long they may take for one page of a list, all together; default 2 seconds.
	EnrichTimeout time.Duration

	// StoreTimeout bounds each load, each commit, the revocation of one session, and the wait for each session of a list;
	// default 5 seconds. Of it and a deadline of the context that is passed the earlier one counts. Revoking all of a user's
	// sessions, or a batch of a sweep, may take a minute, or StoreTimeout if that is more; and removing a login that cannot be
	// settled in time a second beside. Writes go on when the context is canceled, or when its deadline had passed before.
	StoreTimeout time.Duration
	// SweepEvery is how often [Manager.Run] sweeps after the first time; default 10 minutes.
	SweepEvery time.Duration
	// SweepBatch is how many records one statement of a sweep removes; default 500. SQLite's writers wait for each batch:
	// 100 to 200 suits it better.
	SweepBatch int

	// Observe is told what happens to sessions, in the goroutine in which it happens; it must be fast and safe for
	// concurrent use. No event holds a token.
	Observe func(context.Context, Event)
	// Logger receives errors that no caller sees, changes that are lost, and values that cannot be read; the latter once a
	// second at most. It is given no token and no value. If nil, all of it is discarded.
	Logger *slog.Logger
}

// A Limit caps the live sessions of a user (ASVS 5.0 7.1.2).
type Limit struct {
	Max int // 0: no cap; a lower one than before counts from the user's next login on
	// Refuse refuses a new session beyond Max with ErrTooMany, instead of revoking the one whose user authenticated
	// longest ago. When several logins come at once it may refuse more of them than needed, and never too few.
	Refuse bool
}

const maxOldCookies = 16

func (c Config) withDefaults() (Config, error) {
	var err error
	if c.Policy, err = c.Policy.withDefaults(); err != nil {
		return c, err
	}
	cookie := c.Cookie
	if c.Cookie, err = c.Cookie.withDefaults("Cookie"); err != nil {
		return c, err
	}
	if len(c.OldCookies) > maxOldCookies {
		return c, fmt.Errorf("session: Config.OldCookies has %d, not at most %d", len(c.OldCookies), maxOldCookies)
	}
	if c.Header != "" && (cookie != Cookie{} || len(c.OldCookies) > 0) {
		return c, errors.New("session: Config.Header, and Cookie or OldCookies: there is one transport")
	}
	c.OldCookies = slices.Clone(c.OldCookies)
	for i := range c.OldCookies {
		o := &c.OldCookies[i]
		if *o, err = o.withDefaults(fmt.Sprintf("OldCookies[%d]", i)); err != nil {
			return c, err
		}
		if o.sameJar(c.Cookie) || slices.ContainsFunc(c.OldCookies[:i], o.sameJar) {
			return c, fmt.Errorf("session: Config.OldCookies[%d], %q, is there twice: a browser has one cookie of that name, domain and path", i, o.Name)
		}
	}
	if len(c.Realm) > maxRealm {
		return c, fmt.Errorf("session: Config.Realm has %d bytes, not at most %d", len(c.Realm), maxRealm)
	}
	if c.Header != "" {
		if len(c.Header) > 128 || strings.ContainsFunc(c.Header, func(r rune) bool { return !tokenChar(r) }) {
			return c, fmt.Errorf("session: Config.Header %.140q is not a header name", c.Header)
		}
		c.Header = textproto.CanonicalMIMEHeaderKey(c.Header)
		switch c.Header {
		case "Cookie", "Set-Cookie":
			return c, errors.New("session: Config.Header: cookies are configured by Config.Cookie")
		case "Vary", "Cache-Control", "Host", "Content-Length", "Content-Type", "Location", "Connection", "Transfer-Encoding":
			return c, fmt.Errorf("session: Config.Header %q has another meaning", c.Header)
		}
	}
	for _, f := range []struct {
		name string
		d    *time.Duration
		def  time.Duration
	}{
		{"EnrichTimeout", &c.EnrichTimeout, 2 * time.Second},
		{"StoreTimeout", &c.StoreTimeout, 5 * time.Second},
		{"SweepEvery", &c.SweepEvery, 10 * time.Minute},
	} {
		if *f.d < 0 || *f.d > maxDuration {
			return c, fmt.Errorf("session: Config.%s is %v, not between 0 and %v", f.name, *f.d, maxDuration)
		}
		if *f.d == 0 {
			*f.d = f.def
		}
	}
	for _, f := range []struct {
		name      string
		n         *int
		def, most int
	}{
		{"MaxData", &c.MaxData, 64 << 10, 8 << 20},
		{"SweepBatch", &c.SweepBatch, 500, 10_000},
		{"PerUser.Max", &c.PerUser.Max, 0, 100_000},
	} {
		if *f.n < 0 || *f.n > f.most {
			return c, fmt.Errorf("session: Config.%s is %d, not between 0 and %d", f.name, *f.n, f.most)
		}
		if *f.n == 0 {
			*f.n = f.def
		}
	}
	switch p := &c.Policy; {
	case c.PerUser.Refuse && c.PerUser.Max == 0:
		return c, errors.New("session: Config.PerUser.Refuse without Max: there is nothing to refuse")
	case p.RotateEvery > 0 && p.RotateEvery >= p.longest():
		return c, fmt.Errorf("session: Config.Policy.RotateEvery, %v, is not less than the longest lifetime, %v: no token would be replaced", p.RotateEvery, p.longest())
	}
	for i, e := range c.Enrichers {
		if e == nil {
			return c, fmt.Errorf("session: Config.Enrichers[%d] is nil", i)
		}
	}
	switch {
	case c.ReadPlaintext && len(c.Keys) == 0:
		return c, errors.New("session: Config.ReadPlaintext without Keys")
	case c.WritePlaintext && !c.ReadPlaintext:
		return c, errors.New("session: Config.WritePlaintext without ReadPlaintext: what is written could not be read")
	}
	if c.Codec == nil {
		c.Codec = JSON{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
