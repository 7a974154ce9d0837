// Package session is server-side sessions that know whose they are and where they are used: a user, an IP address and a
// User-Agent beside the data, so that an application can show "your devices", revoke one of them, and mean it.
//
// # Use
//
// A [Manager] stands over a store; an adapter, such as nethttp, gives each request its [Session]; a handler gets it from
// the request's context with [From], and the values in it with a [Key]:
//
//	sessions, err := session.New(db, session.Config{})
//	...
//	const Cart session.Key[[]Item] = "cart"
//
//	s, err := session.From(r.Context())
//	...
//	s.Login(user.ID)
//	Cart.Update(s, func(c []Item) []Item { return append(c, item) })
//
// Clear deletes the values and signs no user out; Logout does. docs/coming-from-django.md in the repository has the words of
// Django and django-qsessions beside those of this package.
//
// # What it promises
//
//   - A revocation that returned nil is final: every request that begins afterwards, on any node, is refused.
//   - A commit that was acknowledged is undone by nobody who changed other keys: what a request changed is kept as a delta,
//     and applied again to what another request saved in between.
//   - Nothing revives a session that has ended: no save, no touch, no rotation, no retry.
//   - A login whose request began before [Manager.RevokeUser] does not survive it, up to the skew of the nodes' clocks.
//   - An outage of the store is [ErrUnavailable], never a logout.
//   - A visitor who sets nothing costs no store call, no row and no cookie. A request costs at most one read and one write,
//     and a login one read more (two with a cap of sessions). Ending one session and beginning another in the same request
//     costs what both cost, and a read more if the user is another one. Several cookies of one name cost a read each, or,
//     where there are more than two, one for all and one for each session that there is.
//
// # The token
//
// A client holds base64url(ID ‖ family ‖ verifier). The ID is public and names the session for its whole life; family and
// verifier are the secret, and only SHA-256 of them is stored. A login, a re-authentication and a rotation replace both, and
// a periodic replacement the verifier alone: so a token that has been replaced is told from a guess. A client never chooses
// any part: a token that opens nothing makes an anonymous visitor. A token is bound to the name under which it was handed
// out (Config.Realm): one of another manager over the same store opens nothing.
//
// # Transactions
//
// The session is saved when the response begins: at its first byte, or when the handler returns. Where a transaction of the
// handler is still open then, the save may wait for it: for the lock of an SQLite database, for the only connection of a
// pool, or for a row of the users table. It waits in vain, for Config.StoreTimeout, and the request fails with
// [ErrUnavailable], although the transaction may be committed afterwards. So end the transaction before the response begins,
// and save the session before it if both are to be stored:
//
//	Cart.Delete(s)
//	if err := s.Save(ctx); err != nil { ... }
//	tx, err := db.BeginTx(ctx, nil)
//	...
//	if err := tx.Commit(); err != nil { ... }
//	fmt.Fprint(w, "ordered")
//
// # First requests
//
// A browser that has no cookie yet may send several requests at once, as a page does that asks for its parts by scripts. Each
// of them that sets something begins a session of its own: nothing in them tells that they are of one browser. The last
// cookie wins, and the values of the other sessions are out of reach until these expire. So a page should set what its
// visitor needs, a value at least, before its scripts send requests that set something; or these set nothing until the
// first of them has been answered. Requests that only read begin no session.
//
// # Many writers
//
// Requests that change one session at once are stored one after the other. Those of one process take turns, in the order
// in which they came, and each then costs about one round trip to the database; several processes give way to each
// other. At 5 ms from PostgreSQL, 400 requests that change one session at once take 2 seconds, all together. A request whose
// turn has not come within Config.StoreTimeout fails with [ErrUnavailable], and nothing of it is stored. Sessions are no place
// for counters of a whole site.
//
// # Time
//
// Whether a session is live is judged by the caller's clock, when the session is loaded and again when it is saved. "Last
// seen" is written at most once a minute; a change of address or User-Agent is reported at once, and recorded with the next
// write.
package session
