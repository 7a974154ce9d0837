package pages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// Config is what both pages can be told. Its zero value is complete.
type Config struct {
	// Path is where the handler is mounted; default "/account/sessions/" and "/admin/sessions/". It is what requests have,
	// prefixes included: the handler strips nothing.
	Path string

	// SignIn returns the address of the page where people sign in, or prove again who they are, and that leads back to the
	// given path afterwards. It must also ask people who are signed in for a proof, or a sign-in that is too old stays so.
	// Without it error pages have no such link. It is called by many goroutines.
	SignIn func(back string) string

	// Links lead from the pages to the application, in the bar at the top; default: none. Their texts are shown as they are,
	// in every language.
	Links []Link

	// RequireFresh asks for a sign-in that is not older before anything is shown or revoked; default: any. Signing out
	// oneself never asks for one.
	RequireFresh time.Duration

	// FreshToRevoke asks for a sign-in that is not older before a session is ended that is not the request's own, so that a
	// stolen cookie alone ends no other sessions (ASVS 5.0 7.5.2). It is for both pages: an operator's cookie could sign
	// everyone out. Default: 15 minutes where SignIn is set, and never more than RequireFresh where that is set. Without
	// SignIn the pages could only refuse, and lead people nowhere, so the default asks for no more than RequireFresh does.
	// Negative: no more than RequireFresh, also with SignIn.
	FreshToRevoke time.Duration

	// CrossOrigin refuses posts of other origins; default: all of them, also those of the same site. Set it to trust some.
	CrossOrigin *http.CrossOriginProtection

	// Templates replaces templates by files of the same names, those of the folder "templates" of this package; default:
	// none. What it lacks stays as it is. See [Page] for what a template is given.
	Templates fs.FS
	// Languages are what the pages can speak, the preferred one first; default [English] and [German].
	Languages []*Language
	// Language returns the tag of the language for a request; default, and where it returns none of Languages: what
	// Accept-Language prefers.
	Language func(*http.Request) string
	// Localize returns the context in which enrichers find facts for a reader of the language, for those that know names
	// in several; default: ctx itself.
	Localize func(ctx context.Context, language string) context.Context
	// TimeZone returns the zone in which times are shown, until a script shows them in the browser's own; default: the
	// zone of the reader's location, if an enricher knows it, or UTC. It may return nil for the default.
	TimeZone func(*http.Request) *time.Location

	// Logger is told of requests that failed; default [slog.Default].
	Logger *slog.Logger
}

// A Link is a way out of the pages.
type Link struct {
	Text string
	URL  string // a path, or an address with http or https
}

// AccountConfig configures an [Account]. Its zero value is complete.
type AccountConfig struct {
	Config

	// SignedOut is where the browser goes after a sign-out: a path, or an address with http or https; default: a page that
	// says that, and until when another server may go on to accept the session, if a cache could not be told.
	SignedOut string
	// ClearSiteData also asks the browser to forget, at a sign-out, what scripts of the origin have stored: Web Storage,
	// IndexedDB, service workers (ASVS 5.0 14.3.1; W3C Clear Site Data, "storage"). Other applications of the same origin,
	// its scheme, host and port, lose theirs too; other subdomains lose nothing. Cookies are not part of it, as browsers
	// remove those of all subdomains, which signs people out there; the cookie of the session is taken back by itself. Nor is
	// the cache, as looking through a large one makes the sign-out slow: pages that must not be kept say so themselves, by
	// Cache-Control (ASVS 5.0 14.3.2).
	ClearSiteData bool
}

// AdminConfig configures an [Admin].
type AdminConfig struct {
	Config

	// Authorize reports whether the user of s, who is signed in, is an operator. It is required, and asked at every
	// request, by many goroutines.
	Authorize func(r *http.Request, s session.Session) bool

	// ShowValues reports whether the operator may see what is stored in the given session, which may be personal; default:
	// never.
	ShowValues func(r *http.Request, s session.Session, of session.Info) bool

	// UserURL returns the address of the application's page about a user, or ""; default: users are not linked.
	UserURL func(user string) string

	// PageSize is how many sessions a page has unless the request says so; default 50, at most 200.
	PageSize int
}

// defaultFresh is how old a sign-in may be for ending other sessions, unless Config.FreshToRevoke says otherwise.
const defaultFresh = 15 * time.Minute

// The bounds of what one request does.
const (
	maxPage     = 200
	defaultPage = 50
	maxBody     = 64 << 10
)

func (c Config) withDefaults(mount string) (Config, error) {
	if c.Path == "" {
		c.Path = mount
	}
	c.Path = strings.TrimSuffix(c.Path, "/") + "/"
	if !strings.HasPrefix(c.Path, "/") || path.Clean(c.Path) == "/" || path.Clean(c.Path)+"/" != c.Path || strings.ContainsFunc(c.Path, notInPath) {
		return c, fmt.Errorf("pages: Config.Path %q is not a path of plain segments, such as %q", c.Path, mount)
	}
	c.Links = slices.Clone(c.Links)
	for i, l := range c.Links {
		if l.Text == "" {
			return c, fmt.Errorf("pages: Config.Links[%d] has no text", i)
		}
		if _, err := origin(l.URL); err != nil {
			return c, fmt.Errorf("pages: Config.Links[%d]: %w", i, err)
		}
	}
	if c.RequireFresh < 0 {
		return c, fmt.Errorf("pages: Config.RequireFresh is %v", c.RequireFresh)
	}
	most := cmp.Or(c.RequireFresh, math.MaxInt64)
	switch {
	case c.FreshToRevoke > most:
		return c, fmt.Errorf("pages: Config.FreshToRevoke is %v, which is more than RequireFresh", c.FreshToRevoke)
	case c.FreshToRevoke == 0 && c.SignIn != nil:
		c.FreshToRevoke = min(defaultFresh, most)
	case c.FreshToRevoke <= 0:
		c.FreshToRevoke = c.RequireFresh
	}
	if c.CrossOrigin == nil {
		c.CrossOrigin = http.NewCrossOriginProtection()
	}
	if c.Languages == nil {
		c.Languages = []*Language{English(), German()}
	}
	seen := map[string]bool{}
	for i, l := range c.Languages {
		if l == nil || l.tag == "" {
			return c, fmt.Errorf("pages: Config.Languages[%d] is empty: use ParseLanguage", i)
		}
		if seen[l.tag] {
			return c, fmt.Errorf("pages: Config.Languages has %s twice", l.tag)
		}
		seen[l.tag] = true
	}
	if len(c.Languages) == 0 {
		return c, errors.New("pages: Config.Languages has none")
	}
	if c.Localize == nil {
		c.Localize = func(ctx context.Context, _ string) context.Context { return ctx }
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

// origin returns the origin of an address, or "" for a path.
func origin(address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil, strings.ContainsFunc(u.Host, func(r rune) bool { return r != ':' && r != '[' && r != ']' && notInPath(r) }):
	case u.Scheme == "" && u.Host == "" && strings.HasPrefix(u.Path, "/"):
		return "", nil
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
		return u.Scheme + "://" + u.Host, nil
	}
	return "", fmt.Errorf("%q is neither a path nor an address with http or https", address)
}

func notInPath(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !letter && !strings.ContainsRune("-._~/", r)
}
