package pages

import (
	"log/slog"

	"github.com/qsessions/qsessions/core/session"
)

const maxLogged = 20 // IDs in a line

// audit logs who ended which sessions: of a user, if they are all of one, and these, if they are known. The address is that
// of the user who ended them, and is named so.
func (v *view) audit(o outcome, user string, ids ...session.ID) {
	if o.ended == 0 {
		return
	}
	by := v.session.Info()
	attrs := []slog.Attr{slog.String("by", by.User), slog.Any("by_session", by.ID)}
	if by.IP.IsValid() {
		attrs = append(attrs, slog.Any("by_ip", by.IP))
	}
	attrs = append(attrs, slog.Int("ended", o.ended))
	if user != "" {
		attrs = append(attrs, slog.String("user", user))
	}
	switch {
	case len(ids) == 1:
		attrs = append(attrs, slog.Any("session", ids[0]))
	case len(ids) > 1:
		attrs = append(attrs, slog.Any("sessions", ids[:min(len(ids), maxLogged)]))
	}
	v.config.Logger.LogAttrs(v.r.Context(), slog.LevelInfo, "pages: sessions were ended", attrs...)
}
