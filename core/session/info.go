package session

import (
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// Info is a session as people see it, in lists and mails. It holds no secret and none of the session's values.
type Info struct {
	ID              ID        `json:"id,omitzero"`    // public; zero while nothing is stored
	User            string    `json:"user,omitempty"` // "": anonymous
	Current         bool      `json:"current"`        // it is the session of the request that asked
	CreatedAt       time.Time `json:"created_at,omitzero"`
	AuthenticatedAt time.Time `json:"authenticated_at,omitzero"` // of the last login or re-authentication; zero: anonymous
	LastSeen        time.Time `json:"last_seen,omitzero"`        // exact to Policy.TouchEvery
	ExpiresAt       time.Time `json:"expires_at,omitzero"`       // unless it is used before

	// Known of the request's own session only; lists do not have them.
	Level      int       `json:"level,omitempty"`
	Remembered bool      `json:"remembered,omitempty"` // the login had [Remember]
	Deadline   time.Time `json:"deadline,omitzero"`    // the end, however much it is used

	Client
	Facts
}

func infoOf(r *store.Record, current ID) Info {
	return Info{
		ID: r.ID, User: r.User, Current: r.ID == current && !current.IsZero(),
		CreatedAt: r.CreatedAt, AuthenticatedAt: r.AuthenticatedAt, LastSeen: r.LastSeen, ExpiresAt: r.ExpiresAt,
		Client: clientOf(r),
	}
}
