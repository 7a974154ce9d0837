// Package pages has the pages about sessions that every application needs: one on which people see their own sessions
// and end them, and one for operators. Both are handlers of net/http without a build step, and work without JavaScript.
//
//	account, err := pages.NewAccount(sessions, pages.AccountConfig{})
//	...
//	admin, err := pages.NewAdmin(sessions, pages.AdminConfig{
//		Authorize: func(r *http.Request, s session.Session) bool { return isOperator(s.User()) },
//	})
//	...
//	mux.Handle("/account/sessions/", account)
//	mux.Handle("/admin/sessions/", admin)
//	http.ListenAndServe(addr, site.Handler(mux)) // package nethttp's middleware around them
//
// # Devices and places
//
// What a page says of devices and places comes from the enrichers in session.Config: without any it shows the address and
// the User-Agent.
//
// # Security
//
// State is changed by POST only, and http.CrossOriginProtection refuses posts of other origins, and all their requests to the
// API. Pages load nothing but their own style sheet, script and icon, and what Config adds. They may not be framed, and are
// not stored by caches. No page, and no JSON, has a token,
// or the digest of one. Whatever a client or a user has chosen is shown as text, control characters made visible. A foreign
// session is answered as one that does not exist.
//
// A stolen cookie alone ends no other sessions: where Config.SignIn says where to sign in, ending a session other than the
// own one asks for a sign-in of the last 15 minutes (ASVS 5.0 7.5.2). Without SignIn there is no such limit unless
// Config.FreshToRevoke or RequireFresh sets one, and a cookie is enough to end the other sessions of its user. All that
// operators see and do, and all that ends sessions, asks the database whether the session is there, never a cached copy.
//
// # JSON
//
// Below {path}api/ everything is answered in JSON, but the charts, which have none; openapi.json in this folder describes
// it. The addresses of the pages answer in JSON too, to a request that prefers application/json to text/html, or that has a
// JSON body and accepts anything. What else accepts anything, as curl does, gets HTML. Errors are problem details
// (RFC 9457), of the types in problems.md. Lists are read by a cursor: the next of a page is the parameter after of the
// following one. Parameters and members that are not known are refused.
//
//	curl -b "$COOKIES" 'https://example.com/admin/sessions/api/?user=alice'
//	curl -b "$COOKIES" --json '{"filter": {"user": "alice"}}' https://example.com/admin/sessions/api/revoke
//
// A middleware that answers errors by itself, as nethttp.Config.Error, does so in its own form: for the rare error of a
// commit that comes after the handler.
//
// # Languages and looks
//
// English and German are there; [ParseLanguage] reads others, also those that go from right to left.
//
// Config.Names shows users by their names, and AdminConfig.FindUsers lets operators search for them.
//
// The site's own header, footer and additions to <head> are the templates header.html, footer.html and head.html in
// Config.Templates. Like every template they get a [Page], with the request and what Config.Site returns for it. A style
// sheet of the site, Config.StyleSheet, can set these custom properties of :root:
//
//	--qs-accent  links, focus, the current session, charts
//	--qs-ground  the page
//	--qs-card    cards, buttons and fields
//	--qs-ink     text
//	--qs-quiet   text that is less important
//	--qs-line    lines between things
//	--qs-edge    borders of buttons and fields
//	--qs-danger  buttons that end sessions, and errors
//	--qs-mark    notices and the current row
//	--qs-font    font-family
//	--qs-radius  of buttons and fields
//	--qs-width   of the page, at most
//
// A value can be light-dark(LIGHT, DARK). Config.Theme fixes one of the two. Pictures and fonts of other origins need
// Config.Sources.
//
// # Addresses
//
// Every link, form and redirect of the pages is relative, so that they also work behind a proxy that strips a prefix. What
// they cannot know is the whole address of a page, for the way back from a sign-in: see Config.BasePath.
package pages
