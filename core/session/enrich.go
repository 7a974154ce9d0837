package session

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
)

// Facts are what enrichers found out about a client.
type Facts struct {
	Device   Device            `json:"device,omitzero"`   // by the User-Agent
	Location Location          `json:"location,omitzero"` // by the address
	Extra    map[string]string `json:"extra,omitempty"`   // by a name of the enricher's choice
}

// A Device is what a User-Agent says of the client's machine. Empty fields are unknown.
type Device struct {
	Family  string `json:"family,omitempty"`  // of the hardware: "iPhone"
	OS      string `json:"os,omitempty"`      // with its version: "Android 14"
	Browser string `json:"browser,omitempty"` // with its version: "Firefox 140"
	Bot     bool   `json:"bot,omitempty"`     // it says that it is a program
}

// String is for people: "Firefox on Debian", what of it is known, or "".
func (d Device) String() string {
	switch {
	case d.Browser != "" && d.OS != "":
		return d.Browser + " on " + d.OS
	case d.Browser != "":
		return d.Browser
	}
	return d.OS
}

// A Location is where an address is used. Empty fields are unknown.
type Location struct {
	City        string `json:"city,omitempty"`         // for people, in one language
	Country     string `json:"country,omitempty"`      // for people, in one language
	CountryCode string `json:"country_code,omitempty"` // ISO 3166-1 alpha-2
}

// String is for people: "Reykjavik, Iceland", the country alone, or "".
func (l Location) String() string {
	if l.City == "" || l.Country == "" {
		return l.City + l.Country
	}
	return l.City + ", " + l.Country
}

// An Enricher finds facts about a client, for people. It runs when sessions are shown, beside the other enrichers, and
// must be safe for concurrent use and honor ctx. What it returns belongs to the caller. Its error, or its being late,
// costs its own facts only, and is logged.
type Enricher interface {
	Enrich(ctx context.Context, c Client) (Facts, error)
}

// EnricherFunc is a function as an [Enricher].
type EnricherFunc func(ctx context.Context, c Client) (Facts, error)

// Enrich implements [Enricher].
func (f EnricherFunc) Enrich(ctx context.Context, c Client) (Facts, error) { return f(ctx, c) }

// Describe adds the facts of the enrichers to info, within Config.EnrichTimeout.
func (m *Manager) Describe(ctx context.Context, info Info) Info {
	page := []Info{info}
	m.describe(ctx, page)
	return page[0]
}

// describe adds facts to page. Of two enrichers that know the same fact the later one in Config.Enrichers wins.
func (m *Manager) describe(ctx context.Context, page []Info) {
	if len(m.cfg.Enrichers) == 0 || len(page) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.EnrichTimeout)
	defer cancel()
	type result struct {
		enricher int
		facts    []Facts
		err      error
	}
	results := make(chan result, len(m.cfg.Enrichers)) // room for all: a late one must not block for ever
	clients := make([]Client, len(page))
	for i := range page {
		clients[i] = page[i].Client
	}
	for i, e := range m.cfg.Enrichers {
		go func() {
			facts, err := enrichAll(ctx, e, clients)
			results <- result{i, facts, err}
		}()
	}
	found := make([][]Facts, len(m.cfg.Enrichers))
	for n := 0; n < len(found); n++ {
		select {
		case r := <-results:
			found[r.enricher] = r.facts
			if r.err != nil {
				m.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session: enricher failed", slog.Int("enricher", r.enricher), slog.Any("error", r.err))
			}
		case <-ctx.Done():
			m.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session: enrichers are late", slog.Int("missing", len(found)-n))
			n = len(found)
		}
	}
	for _, facts := range found {
		for i := range facts {
			page[i].Facts.add(facts[i])
		}
	}
}

// enrichAll describes each client once. It returns what it has when it meets an error.
func enrichAll(ctx context.Context, e Enricher, clients []Client) (facts []Facts, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	facts = make([]Facts, len(clients))
	known := make(map[Client]int, len(clients))
	for i, c := range clients {
		if j, ok := known[c]; ok {
			facts[i] = facts[j]
			continue
		}
		f, err := e.Enrich(ctx, c)
		if err != nil {
			return facts, err
		}
		facts[i], known[c] = f, i
	}
	return facts, nil
}

func (f *Facts) add(g Facts) {
	if g.Device != (Device{}) {
		f.Device = g.Device
	}
	if g.Location != (Location{}) {
		f.Location = g.Location
	}
	if len(g.Extra) > 0 {
		extra := maps.Clone(f.Extra) // clients of one page share what was found of them
		if extra == nil {
			extra = make(map[string]string, len(g.Extra))
		}
		maps.Copy(extra, g.Extra)
		f.Extra = extra
	}
}
