// Package login checks logins that meet: two presses of one button, an attacker who planted the token that the browser signs
// in with, and RevokeUser.
//
// The rules: a login in a session of the epoch that it has loaded replaces that session's token (L1). If another login came
// between, it makes a new session with the values that it had loaded, and with its own proof alone (L2). If its token was
// dead when it was loaded, it takes the values of that session only if that was replaced by a login of the same user less
// than W ago, nothing was saved since, and its own proof is no less (L3); else none (L4). If the session that it has loaded
// is gone it is revoked (L5), unless that was another user's, which the login would have ended anyhow. After the commit the
// login looks at the cut-off of its user. A token that a login replaced less than W ago gets no cookie and saves nothing.
//
// The model has a browser whose first token is that of an anonymous session, of its user's, or of somebody else's; two
// presses with that token, each of which sends, loads, proves, commits, looks and is answered; another request on its way;
// pages that save values; an attacker who knows the first token, and logs in once, as mallory or with alice's password and
// without her second factor; RevokeUser in its two steps; the end of W; a copy of the first session that no write reaches.
// Answers arrive in any order, and one is lost.
//
// Not in the model: the cap of sessions per user, logout, more logins, saves of unknown outcome, and a request that takes
// longer than W.
package login
