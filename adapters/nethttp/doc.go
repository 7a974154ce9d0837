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
// # Save before a transaction of yours
//
// The commit is a write of its own, at the first byte. A handler whose database transaction is still open then makes the commit
// wait for it, where the two share a pool of one connection or an SQLite file, and the transaction waits for the handler: after
// [session.Config].StoreTimeout the answer is 503, and the changes of the transaction may be kept. Commit the transaction before
// the first byte, or save the session before the transaction begins:
//
//	order.Set(s, id)
//	if err := s.Save(r.Context()); err != nil {
//		site.Error(w, r, err)
//		return
//	}
//	tx, err := db.BeginTx(r.Context(), nil) // from here on the session has nothing to store
//
// # Order of middleware
//
// The middleware goes around the whole router, as in site.Handler(router): it must see the status that the router answers with.
// What needs the session goes inside; what only needs the status goes outside. A handler that recovers from panics fits
// on either side. [http.TimeoutHandler], and what answers for a handler that ran out of time, goes inside: outside, it
// discards responses, and with them cookies of stored sessions. Handler may be mounted twice, or several times with
// different managers.
//
// Frameworks that answer errors after their middleware has returned, such as echo, have to be wrapped from outside too: else a
// response of 500 commits what its handler set, which is logged once. docs/frameworks.md of the repository has programs
// for chi, gin and echo.
//
// The response writer has those of Flush, Hijack, Push, ReadFrom and CloseNotify that work, and no others, and all of a
// [http.ResponseController].
//
// # Errors
//
// The middleware logs every error of a session that is answered with 500 or more, with the request's method, path and pattern,
// and never its query, whatever [Config].Error does. [Status] is for such a function:
//
//	nethttp.Config{Error: func(w http.ResponseWriter, r *http.Request, err error) {
//		http.Error(w, "sorry", nethttp.Status(err))
//	}}
//
// # Client addresses
//
// Middleware that writes a header's address into RemoteAddr, such as chi's RealIP, must not be in front: clients can send that
// header, so that they choose the address under which their sessions are listed. The middleware takes no address from a
// RemoteAddr without a port, which is what RealIP leaves, and logs that once. Name the proxies that you trust in
// [Config].ClientIP instead.
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
