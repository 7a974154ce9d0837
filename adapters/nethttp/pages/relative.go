package pages

import "time"

// Relative is a time in words, rounded: "3 minutes ago", "in 30 minutes", "yesterday". Days are those of the calendar in the
// reader's zone.
func (p *Page) Relative(t time.Time) string {
	d, when := p.now.Sub(t), "time.ago."
	if d < 0 {
		d, when = d.Abs(), "time.in."
	}
	minutes, hours := int(d.Round(time.Minute)/time.Minute), int(d.Round(time.Hour)/time.Hour)
	switch days := p.days(t); {
	case minutes < 1:
		return p.T(when + "now")
	case minutes < 60:
		return p.N(when+"minutes", minutes)
	case hours < 24 || days == 0:
		return p.N(when+"hours", hours)
	case days == 1:
		return p.T(when + "day")
	default:
		return p.N(when+"days", days)
	}
}

// days is how many days of the calendar lie between now and t.
func (p *Page) days(t time.Time) int {
	day := func(t time.Time) time.Time {
		year, month, day := t.In(p.zone).Date()
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC) // where each day has 24 hours
	}
	return int(day(p.now).Sub(day(t)).Abs() / (24 * time.Hour))
}
