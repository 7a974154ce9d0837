package session

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
)

// Facts are what enrichers found out about a client, for people. Nothing may be decided by them: a client claims what it
// likes, and addresses are only roughly somewhere.
type Facts struct {
	Device   Device            `json:"device,omitzero"`   // by the User-Agent and hints
	Location Location          `json:"location,omitzero"` // by the address
	Extra    map[string]string `json:"extra,omitempty"`   // whatever else, by a name of the enricher's choice
}

// An Enricher finds facts about a client, for people. It runs when sessions are shown, beside the other enrichers, and
// must be safe for concurrent use and honor ctx. What it returns belongs to the caller. An error, or a panic, costs the
// facts of that client, and being late all that the enricher has found for the page; both are logged.
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

// DescribeAll adds the facts of the enrichers to each of infos, in place, within Config.EnrichTimeout for every 50.
func (m *Manager) DescribeAll(ctx context.Context, infos []Info) {
	for page := range slices.Chunk(infos, describePage) {
		m.describe(ctx, page)
	}
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
		failed   int // clients that it could not describe
		err      error
	}
	results := make(chan result, len(m.cfg.Enrichers)) // room for all: a late one must not block for ever
	clients := make([]Client, len(page))
	for i := range page {
		clients[i] = page[i].Client
	}
	for i, e := range m.cfg.Enrichers {
		go func() {
			facts, failed, err := enrichAll(ctx, e, clients)
			results <- result{i, facts, failed, err}
		}()
	}
	found := make([][]Facts, len(m.cfg.Enrichers))
	for range found {
		var r result
		select {
		case r = <-results:
		case <-ctx.Done():
			select {
			case r = <-results: // in time, if barely
			default:
				r.enricher = -1
			}
		}
		if r.enricher < 0 {
			break
		}
		found[r.enricher] = r.facts
		if r.err != nil {
			m.logEnricher(ctx, "session: enricher failed", r.enricher, slog.Int("clients", r.failed), slog.Any("error", r.err))
		}
	}
	for n, facts := range found {
		if facts == nil {
			m.logEnricher(ctx, "session: enricher is late", n, slog.Int("clients", len(page)))
		}
		for i := range facts {
			page[i].Facts.add(facts[i])
		}
	}
}

func (m *Manager) logEnricher(ctx context.Context, message string, n int, more ...slog.Attr) {
	attrs := append([]slog.Attr{slog.Int("enricher", n), slog.String("type", fmt.Sprintf("%T", m.cfg.Enrichers[n]))}, more...)
	m.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, message, attrs...)
}

// enrichAll describes each client once. It returns the first error, and what it has all the same.
func enrichAll(ctx context.Context, e Enricher, clients []Client) (facts []Facts, failed int, first error) {
	facts = make([]Facts, len(clients))
	known := make(map[Client]int, len(clients))
	for i, c := range clients {
		if j, ok := known[c]; ok {
			facts[i] = facts[j]
			continue
		}
		if ctx.Err() != nil { // the page has gone without these facts: go on with none
			return facts, failed, first
		}
		f, err := enrich(ctx, e, c)
		known[c] = i
		if err != nil {
			if failed++; first == nil {
				first = err
			}
			if ctx.Err() != nil {
				break
			}
			continue
		}
		facts[i] = f
	}
	return facts, failed, first
}

// enrich calls e, without its panics.
func enrich(ctx context.Context, e Enricher, c Client) (f Facts, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return e.Enrich(ctx, c)
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
