package session

import (
	"errors"
	"testing"
)

// TestLoginAsAnotherFails: ATK-10, SEC-30. A login as another user ends the session before once it is stored itself, and no sooner:
// where it fails, the browser keeps the session that it has.
func TestLoginAsAnotherFails(t *testing.T) {
	for name, c := range map[string]struct {
		fail func(m *Manager, db *counting, r *request)
		end  func(m *Manager, r *request) error
		stay bool
	}{
		"stored":                 {end: commits},
		"request fails":          {end: closes, stay: true},
		"bad value":              {fail: func(_ *Manager, _ *counting, r *request) { Key[func()]("x").Set(r.s, nil) }, end: commits, stay: true},
		"create fails":           {fail: func(_ *Manager, db *counting, _ *request) { db.onBefore("Create", func() error { return errNetwork }) }, end: commits, stay: true},
		"user revoked":           {fail: func(m *Manager, _ *counting, r *request) { _, _ = m.RevokeUser(r.ctx, "bob") }, end: commits, stay: true},
		"deletion fails":         {fail: func(_ *Manager, db *counting, _ *request) { db.onBefore("Delete", func() error { return errNetwork }) }, end: commits, stay: true},
		"deletion fails at once": {fail: func(_ *Manager, db *counting, r *request) { saveWithoutDelete(t, db, r) }, end: commits},
		"signed out again":       {fail: func(_ *Manager, _ *counting, r *request) { r.s.Logout() }, end: closes},
	} {
		db := new(counting)
		m := newManager(t, db, Config{})
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		r := b.old().start()
		r.s.Login("bob")
		if c.fail != nil {
			c.fail(m, db, r)
		}
		err := c.end(m, r)
		db.onBefore("Create", nil)
		db.onBefore("Delete", nil)
		if stays := b.user() == "alice"; stays != c.stay {
			t.Errorf("%s: the session before is there: %t, want %t; %v", name, stays, c.stay, err)
		}
	}
}

func commits(_ *Manager, r *request) error { _, err := r.end(); return err }
func closes(m *Manager, r *request) error  { m.Close(r.ctx); return nil }

// saveWithoutDelete saves, but for the deletion, which the next commit is to make up for.
func saveWithoutDelete(t *testing.T, db *counting, r *request) {
	t.Helper()
	db.onBefore("Delete", func() error { return errNetwork })
	if err := r.s.Save(r.ctx); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Save: got %v, want ErrUnavailable", err)
	}
	db.onBefore("Delete", nil)
}
