// Package rotation checks the exchange of session tokens: a session whose current token is replaced after RotateEvery.
//
// The rules: the winner of a compare-and-set, and it alone, gets a new random token. At most two are pending, and none is
// overwritten. The first that is shown becomes the current one; the token before and the sibling stay open for Grace, and get
// no cookie. A token that is used in a third period without a successor being shown is worn. Each earlier token of the family
// is known for what it is.
//
// The model has one session, and a browser with a jar that holds the token of the last answer that arrived. Requests and
// answers take time, overtake each other, and answers get lost. Pauses have no end. A thief copies the jar once, at any time;
// he shows what he has whenever he wants to, takes or drops each cookie, and keeps the stolen token and the newest that he
// took. One node at a time judges by a copy of the record that no write reaches. A browser can be killed, and come back with
// an older jar. [Variants] says which of these take part, which invariants are judged, and which mistake is made, if any.
//
// A tick is what times are counted in; RotateEvery is 2 to 16 of them. A node judges a token and writes in one step: a request
// that loses its compare-and-set is judged again by the record that won, which is the same as one that came later.
//
// Not in the model: clocks that differ, a store that fails other than by an answer that gets lost, more than one thief, one
// who steals again, logins (see package login), and the realms of tokens.
package rotation
