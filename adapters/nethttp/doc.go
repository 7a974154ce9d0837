// Package nethttp gives the handlers of net/http their sessions.
//
//	site := nethttp.New(sessions, nethttp.Config{})
//	mux.Handle("GET /{$}", site.With(home))
//	mux.Handle("/account/", site.Require(account))
//	http.ListenAndServe(addr, site.Handler(mux))
//
// # One request
//
// [Middleware.Handler] puts the session into the request's context, without asking the store. A handler that wants it
// calls [session.From], or is made by [Middleware.With], which also answers if the store is out. Changes stay in memory
// until the response begins: before its first byte, at the first Write, WriteHeader, Flush, Hijack or ReadFrom, or when the
// handler returns, they are committed, and the cookie is added to the header. So a client never sees a response, or a
// cookie, for something that the store has not accepted.
//
//   - If the commit fails, the response is the error page of [Config], and nothing of what the handler writes is sent: its
//     writes return the error.
//   - A response with a status of 500 or more commits nothing, and neither does a panic, but for the end of access that the
//     handler asked for: a Logout, and the new token after RevokeOthers. What [session.Session].Save stored before stays, and
//     its cookie is sent.
//   - An informational response (1xx but 101) commits nothing and carries no cookie.
//   - What is changed after the response began is committed when the handler returns. A change that needs a new cookie
//     comes too late then: nothing is stored, and the Manager logs an error, if it has a Logger.
//   - A client that goes away does not interrupt a commit.
//   - A transaction of the handler that is still open when the response begins may keep the commit waiting, until it fails:
//     end it before, or call [session.Session].Save before it ("Transactions" in package session).
//
// # Order of middleware
//
// What needs the session goes inside; what only needs the status goes outside. A handler that recovers from panics fits
// on either side. [http.TimeoutHandler] goes inside: outside, it discards responses, and with them the cookies of what was
// stored. Handler may be mounted twice, or several times with different managers.
//
// # Cross-site requests
//
// A response to a signed-in user that has no Cache-Control gets "private, no-cache", or "no-store" by
// [session.Config].NoStore.
//
// A form that another site posts, and everything else from which the browser withholds the session's cookie, comes without
// a session. What the handler sets in it lasts for that request alone: a cookie for it would replace the one of the session
// that the browser has. A login counts.
//
// SameSite=Lax keeps other sites from posting with the user's session, but not sites of the same registrable domain:
// wrap the routes in [http.CrossOriginProtection].
package nethttp
