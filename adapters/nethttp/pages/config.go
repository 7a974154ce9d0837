package pages

import (
	"context"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// Config is what both pages can be told. Its zero value is complete.
type Config struct {
	// Path is where the handler is mounted; default "/account/sessions/" and "/admin/sessions/". It is what requests have
	// when they reach the handler, which strips nothing: routers that mount handlers without changing the address, such as
	// ServeMux and chi's Mount, need no more. A handler that gets requests for other paths answers 404, and says so once to
	// Logger.
	Path string
	// BasePath is the prefix that a proxy, or http.StripPrefix, has taken from the addresses of requests, such as
	// "/app"; default: nothing. Links, forms and redirects of the pages are relative and need none: it is put before the path
	// that SignIn is given.
	BasePath string

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

	// Names returns what people know users by, for the IDs that it knows; default: users are shown by their IDs, and on the
	// account page not at all if those are numbers or UUIDs. It is called once for a page, with at most 221 IDs, and gets 2
	// seconds. If it fails, or panics, IDs are shown and Logger is told.
	Names func(ctx context.Context, ids []string) (map[string]Person, error)

	// Templates replaces templates by files of the same names, those of the folder "templates" of this package; default:
	// none. Other templates stay as they are. Every template is given a [Page]. Three more names fill places that are
	// empty otherwise: header.html comes before the page, footer.html after it, and head.html is the end of <head>. If one of
	// these fails for a request, the page is shown without it and Logger is told.
	Templates fs.FS
	// Funcs are functions that Templates can use.
	Funcs template.FuncMap
	// Site returns the site's own data for a request, which templates have as .Site; default: nil. It is called once for a
	// page. If it panics, .Site is nil and Logger is told. With Site, only the syntax of header.html, footer.html and
	// head.html is checked at the start; other templates that use .Site must bear nil.
	Site func(*http.Request) any
	// StyleSheet is the address of a style sheet of the site that is loaded after that of the pages, for example to set the
	// colors that the package comment lists: a path, or an address with http or https; default: none. The
	// Content-Security-Policy allows its origin.
	StyleSheet string
	// Icon is the address of the site's icon for the tab of a browser, in the same forms; default: one of this package.
	Icon string
	// Theme returns "light" or "dark" for a request; default, and where it returns anything else: as the reader's system is
	// set.
	Theme func(*http.Request) string
	// Sources are added to the Content-Security-Policy, by directive: {"img-src": {"https://cdn.example.com"}}. The directives
	// are connect-src, font-src, img-src, manifest-src, media-src, script-src and style-src. A source is 'self' in quotes, an
	// origin, which may go on with a path, or a hash of a script or a style sheet in quotes; images and fonts can also be
	// data:. Everything else is refused.
	Sources map[string][]string
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

	// DescribeTime is how long a page waits for the enrichers that find devices and places, for all its sessions together;
	// default 1 second. Sessions that they have not reached by then are shown by their User-Agent and address.
	DescribeTime time.Duration

	// Logger is told of requests and hooks that failed, and at level Info who ended which sessions, with "by", "by_session"
	// and "by_ip" for the user who ended them; default [slog.Default].
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

	// FindUsers returns the IDs of the users whom a text means, as by their name and e-mail address, best first; default:
	// operators find users by their ID alone. The first 20 count; a user whose ID is the text is found in any
	// case, if there are sessions. It gets 2 seconds. If it fails, or
	// panics, the text is taken for an ID, the page says so, and Logger is told; a request to end sessions fails then.
	FindUsers func(ctx context.Context, text string) ([]string, error)

	// UserURL returns the address of the application's page about a user, or ""; default: users are not linked. The URL that
	// Names knows comes first.
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
