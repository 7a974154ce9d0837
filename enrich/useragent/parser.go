package useragent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/ua-parser/uap-go/uaparser"
	"gopkg.in/yaml.v3"

	"github.com/qsessions/qsessions/core/session"
)

// Config configures a [Parser]. Its zero value is ready to use.
type Config struct {
	// Regexes is a regexes.yaml, in the form of the uap-core project, instead of the one that is built in. It must be
	// trusted: its expressions run on what clients send. New does not keep it.
	Regexes []byte
}

// A Parser tells devices by User-Agents and client hints. It is safe for concurrent use.
type Parser struct {
	library func() *library
}

// A library is a set of expressions, and what they found lately.
type library struct {
	*matcher
	devices memo[session.Device]  // by User-Agent
	models  memo[uaparser.Device] // by User-Agents that are made of hints
}

func newLibrary(p *uaparser.Parser) *library { return &library{matcher: newMatcher(p)} }

// It is global because it takes 15 MB and 60 ms, which a process should spend once, and not before it is needed.
var builtIn = sync.OnceValue(func() *library {
	p, err := uaparser.New()
	if err != nil { // uap-go's own file, which its tests read
		panic(err)
	}
	return newLibrary(p)
})

// New returns a parser. Without Config.Regexes all parsers share one, which is made when it is first needed: that takes
// some 60 ms. With them New reads them, and its error says what is wrong with them.
func New(c Config) (*Parser, error) {
	if c.Regexes == nil {
		return &Parser{builtIn}, nil
	}
	p, err := compile(c.Regexes)
	if err != nil {
		return nil, fmt.Errorf("useragent: Config.Regexes: %w", err)
	}
	l := newLibrary(p)
	return &Parser{func() *library { return l }}, nil
}

func compile(regexes []byte) (p *uaparser.Parser, err error) {
	defer func() {
		if r := recover(); r != nil { // the library compiles them with MustCompile
			p, err = nil, fmt.Errorf("%v", r)
		}
	}()
	var d uaparser.RegexDefinitions
	if err := yaml.Unmarshal(regexes, &d); err != nil {
		return nil, err
	}
	if len(d.UA) == 0 || len(d.OS) == 0 || len(d.Device) == 0 {
		return nil, errors.New("user_agent_parsers, os_parsers and device_parsers must not be empty")
	}
	return uaparser.New(uaparser.WithRegexDefinitions(d))
}

// Enrich implements [session.Enricher]: it finds the device.
func (p *Parser) Enrich(ctx context.Context, c session.Client) (session.Facts, error) {
	if err := ctx.Err(); err != nil {
		return session.Facts{}, err
	}
	return session.Facts{Device: p.Parse(c.UserAgent, c.Hints)}, nil
}

// Parse tells the device by a User-Agent, of which it looks at the first 512 bytes, and by the hints, which win where they
// say more. The results of the latest thousand or so are remembered; a new one takes some 50 microseconds, and half a
// millisecond if it was made to take long. The arguments are not kept.
func (p *Parser) Parse(userAgent string, h session.Hints) session.Device {
	ua := clean(userAgent)
	if ua == "" {
		return session.Device{}
	}
	l := p.library()
	d := l.devices.of(ua, l.read)
	if h != (session.Hints{}) && d.Kind != session.KindBot {
		l.apply(&d, h)
	}
	return d
}

const maxUserAgent = 512

// clean returns what of s is parsed, in memory of its own, as the library keeps it. What is not printable must not get
// into texts for people: controls, formatting such as the reversal of direction, invalid UTF-8.
func clean(s string) string {
	s = cut(s)
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			s = cut(strings.Map(func(r rune) rune {
				if !unicode.IsPrint(r) {
					return utf8.RuneError
				}
				return r
			}, s)) // an invalid byte became three
			break
		}
	}
	return strings.Clone(strings.TrimSpace(s))
}

// cut ends s before the rune that does not fit.
func cut(s string) string {
	if len(s) <= maxUserAgent {
		return s
	}
	n := maxUserAgent
	for n > maxUserAgent-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// read tells the device by the User-Agent alone.
func (l *library) read(ua string) session.Device {
	browser, system, device := l.find(ua)
	d := session.Device{
		Family:  known(device.Family),
		Brand:   device.Brand,
		Model:   device.Model,
		OS:      session.Product{Name: known(system.Family), Major: system.Major, Minor: system.Minor, Patch: system.Patch, PatchMinor: system.PatchMinor},
		Browser: session.Product{Name: known(browser.Family), Major: browser.Major, Minor: browser.Minor, Patch: browser.Patch},
	}
	d.Browser.PatchMinor = fourth(ua, d.Browser)
	d.Kind = kind(ua, &d)
	apple(ua, &d)
	return d
}

// find returns what the expressions say of a User-Agent.
func (m *matcher) find(ua string) (browser uaparser.UserAgent, system uaparser.Os, device uaparser.Device) {
	has := m.atoms.in(ua)
	browser, _ = first(m.browsers, ua, has)
	system, _ = first(m.systems, ua, has)
	device, _ = first(m.devices, ua, has)
	return browser, system, device
}

// model returns what the expressions say of the hardware.
func (m *matcher) model(ua string) uaparser.Device {
	device, _ := first(m.devices, ua, m.atoms.in(ua))
	return device
}

// known drops the library's word for what it does not know.
func known(family string) string {
	if family == "Other" {
		return ""
	}
	return family
}
