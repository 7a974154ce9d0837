// Package fibersession gives the handlers of Fiber their sessions.
//
//	app.Use(fibersession.CrossOrigin(nil), fibersession.New(sessions, fibersession.Config{}))
//	app.Get("/", fibersession.With(sessions, home))
//	app.Get("/account", fibersession.Require(sessions), account)
//	app.Use("/reports", fibersession.HTTP(reports)) // an http.Handler
//
// # One request
//
// The middleware of [New] puts the session into the request's context, without asking the store. A handler that wants it
// calls [From], or is made by [With]. Changes stay in memory until the handler has returned; then they are committed, and
// the cookie is added to the response, before its first byte is sent. So a client never sees a response, or a cookie, for
// something that the store has not accepted.
//
//   - An error that a handler returns is answered inside of the middleware, by the application's ErrorHandler, so that the
//     status is known before anything is stored; middleware outside sees the response, and no error.
//   - A response with a status of 500 or more commits nothing, and neither does a panic, nor a request that Fiber's
//     timeout middleware gave up, but for the end of access that the handler asked for: a Logout, and the new token after
//     RevokeOthers. What [session.Session].Save stored before stays, and its cookie is sent.
//   - If the commit fails, the response is replaced by that of the error handler.
//   - A streamed body is sent after the commit, though Fiber starts its writer at once, beside the handler. The writer may
//     read a session that the handler has asked for; what it changes after the commit is refused with [session.ErrClosed].
//   - A client that goes away does not interrupt a commit.
//
// # What Fiber reuses
//
// Fiber reuses a request's memory for the next one. Nothing of it is kept: what the middleware hands to the Manager is
// copied, and a session is never pooled. One that is kept past its handler is closed; it can be read, and belongs to
// no other request. In another goroutine use c.Context(), taken before, and never c.
//
// # Order of middleware
//
// What needs the session goes behind; what only needs the status goes before. recover and timeout fit behind it; recover
// before it as well. New may be mounted twice, or several times with different managers.
//
// Fiber's cache goes before it, and only around routes that are public: what it has kept it sends with a Cache-Control of its
// own. [From], [With], the Require functions and [HTTP] say at once that the response varies by the session's header, and
// that one which depends on a stored session is to be kept by no cache, so that a cache behind keeps users apart too, and
// shows nothing to those whose session has ended; but not inside of Fiber's timeout middleware, and [session.From] alone says
// so only when the handler has returned.
//
// Name the session's cookie in encryptcookie's Except: the token is random already, and that middleware drops the Max-Age=0
// which takes a cookie back.
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
// SameSite=Lax keeps other sites from posting with the user's session, but not sites of the same registrable domain: put
// [CrossOrigin] in front.
//
// # Errors
//
// The middleware logs every error of a session that is answered with 500 or more to Fiber's log, with the request's method,
// path and route, and never its query, whatever error handler answers it. [Status] is for error handlers of your own.
package fibersession
