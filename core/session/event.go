package session

import "context"

// An Event is something that happened to a session. It never holds a token.
type Event struct {
	Kind   EventKind
	ID     ID     // zero where no session was found
	User   string // "" if anonymous or unknown
	Twin   ID     // of LoggedIn: the session of the same client that another request had signed in; zero: none
	Client Client // of the request, if there is one
	Reason string // of Revoked: one of the Reason constants; of ValueCorrupt: the value's name
	Err    error  // what went wrong, if anything did
}

// EventKind is what happened.
type EventKind uint8

// The kinds of events.
const (
	Created         EventKind = iota // a session was stored for the first time
	LoggedIn                         // a user was bound to a session, or proved again who they are
	Rotated                          // a session has a new token, without a login
	ClientChanged                    // a session was used from another address, or with another User-Agent or other hints than before
	LoggedOut                        // the user ended the session
	Revoked                          // the session was ended otherwise than by Logout, for Reason
	Expired                          // a session was presented after its end; not raised when it is swept
	UnknownToken                     // a well-formed token that no session is known to have had: it proves nothing, as IDs are public
	TokenReplaced                    // a token came that a login or a rotation on demand has replaced: a parallel request, or an old one
	TokenReplayed                    // a token came that a periodic replacement has ended: one of two holders is a thief, or a request was very slow
	TokenWorn                        // a token was refused in the third period of its use without its successors: responses were lost, or dropped
	ConflictRetried                  // another request saved in between, and the changes were applied again
	ValueCorrupt                     // a stored value, or all of them, cannot be read
)

var eventNames = [...]string{"created", "logged in", "rotated", "client changed", "logged out", "revoked", "expired",
	"unknown token", "token replaced", "token replayed", "token worn", "conflict retried", "value corrupt"}

// String returns the kind in words.
func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return "unknown"
}

// The reasons of [Revoked].
const (
	ReasonRevoke       = "revoke"        // Manager.Revoke, RevokeID or RevokeListed
	ReasonRevokeOthers = "revoke others" // Manager.RevokeOthers
	ReasonRevokeUser   = "revoke user"   // Manager.RevokeUser
	ReasonLimit        = "limit"         // Config.PerUser
	ReasonCutoff       = "cut-off"       // a login whose credentials were checked before a RevokeUser
	ReasonReplay       = "replay"        // Policy.EndOnReplay
)

func (m *Manager) observe(ctx context.Context, e Event) {
	if m.cfg.Observe == nil {
		return
	}
	if h, ok := m.handle(ctx); ok {
		e.Client = h.sender()
	}
	m.cfg.Observe(ctx, e)
}
