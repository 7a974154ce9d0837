package advisories

import (
	"fmt"
	"strings"
	"time"
)

// Accepted is an advisory that does not count for some time, with the reason.
type Accepted struct {
	ID, Module string
	Until      time.Time
	Reason     string
}

// ParseAccepted reads one entry a line: id, module path, the last day as YYYY-MM-DD, and the reason. Lines that begin
// with # are comments.
func ParseAccepted(text string) ([]Accepted, error) {
	var list []Accepted
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, " ", 4)
		if len(fields) < 4 || strings.TrimSpace(fields[3]) == "" {
			return nil, fmt.Errorf("%q: want an id, a module, a day and a reason", line)
		}
		until, err := time.Parse(time.DateOnly, fields[2])
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		list = append(list, Accepted{fields[0], fields[1], until, fields[3]})
	}
	return list, nil
}

// Accepts reports whether the entry is about the finding, and still holds.
func (a Accepted) Accepts(f Finding, now time.Time) bool {
	return a.ID == f.ID && a.Module == f.Module && !a.Expired(now)
}

// Expired reports whether the last day is over.
func (a Accepted) Expired(now time.Time) bool { return !now.Before(a.Until.AddDate(0, 0, 1)) }
