package pages

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// fullInfo has something of everything.
func fullInfo() session.Info {
	now := time.Now()
	return session.Info{
		User: "a", Current: true, AuthenticatedAt: now, Deadline: now, Remembered: true,
		Client: session.Client{IP: netip.IPv6Loopback(), UserAgent: "a"},
		Facts: session.Facts{
			Device: session.Device{Kind: session.KindTV, Family: "a"}, Location: session.Location{City: "a"}, Extra: map[string]string{"a": "a"},
		},
	}
}

// A try is a template with data that it must be able to show.
type try struct {
	template string
	data     any
}

// try executes templates once in every language, so that a fault of one is found at the start.
func (s *site) try(tries ...try) error {
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: s.config.Path}, Header: http.Header{}}
	for _, l := range s.config.Languages {
		for _, t := range tries {
			for _, signIn := range []string{"", "/"} {
				v := &view{site: s, r: r, language: l, home: "./"}
				p := v.page("account.title", t.data)
				p.User, p.SignIn, p.Back, p.Notice, p.Text, p.From = "a", signIn, "/", "a", "a", "a=b"
				if s.config.Site == nil {
					if err := s.fillSlots(p); err != nil {
						return fmt.Errorf("pages: Config.Templates: %w", err)
					}
				}
				if err := s.templates.ExecuteTemplate(io.Discard, t.template, p); err != nil {
					return fmt.Errorf("pages: Config.Templates: %w", err)
				}
			}
		}
	}
	return nil
}
