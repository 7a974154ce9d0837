package session

import (
	"strings"

	"github.com/qsessions/qsessions/core/store"
)

// Hints are the User-Agent client hints of a request, each as the client sent it: a structured field (RFC 8941), quotes
// included, that nobody has parsed yet. One that is longer than 192 bytes, or not of printable ASCII, is not kept.
type Hints struct {
	Platform        string // Sec-CH-UA-Platform: "Android"
	PlatformVersion string // Sec-CH-UA-Platform-Version: "14.0.0"
	Model           string // Sec-CH-UA-Model: "Pixel 7"
	Mobile          string // Sec-CH-UA-Mobile: ?1
	Brands          string // Sec-CH-UA: "Chromium";v="118", "Google Chrome";v="118", "Not=A?Brand";v="99"
}

// AcceptCH is what an adapter sends as Accept-CH to ask for the hints that browsers do not send by themselves. They do so
// from the next request on, and over TLS only. Responses do not vary by hints, so Vary does not name them.
const AcceptCH = "Sec-CH-UA-Platform-Version, Sec-CH-UA-Model"

// ReadHints returns the hints of a request. header returns a field's first line, by its name as net/http writes it.
func ReadHints(header func(name string) string) Hints {
	return Hints{
		Platform:        header("Sec-Ch-Ua-Platform"),
		PlatformVersion: header("Sec-Ch-Ua-Platform-Version"),
		Model:           header("Sec-Ch-Ua-Model"),
		Mobile:          header("Sec-Ch-Ua-Mobile"),
		Brands:          header("Sec-Ch-Ua"),
	}
}

const (
	maxHint = 192
	// hintMark precedes each hint in the User-Agent field of a record. It is a noncharacter, which Unicode leaves to
	// programs for their own use; as no cleaned User-Agent holds it, none can pretend to have hints.
	hintMark = '\ufdd0'
	hintText = string(hintMark)
)

// fields has the hints in the order in which they are stored: when there is no room for all, the last go first.
func (h *Hints) fields() [5]*string {
	return [5]*string{&h.Platform, &h.PlatformVersion, &h.Model, &h.Mobile, &h.Brands}
}

func (h Hints) clean() Hints {
	if h == (Hints{}) {
		return h
	}
	for _, f := range h.fields() {
		if len(*f) > maxHint || strings.ContainsFunc(*f, func(r rune) bool { return r < ' ' || r > '~' }) {
			*f = ""
		}
		*f = strings.Clone(*f)
	}
	return h
}

// stored returns the User-Agent field of a record for a clean c, where old is what it was before. A request that names no
// User-Agent leaves it as it is, and one with the same User-Agent leaves the hints that it lacks: browsers do not send all
// of them each time. The User-Agent comes first; hints have what it leaves of the 512 bytes.
func (c Client) stored(old string) string {
	if c.UserAgent == "" {
		return old
	}
	hints := c.Hints
	if ua, before := unstored(old); ua == c.UserAgent {
		kept := before.fields()
		for i, f := range hints.fields() {
			if *f == "" {
				*f = *kept[i]
			}
		}
	}
	if hints == (Hints{}) {
		return c.UserAgent
	}
	s := []byte(c.UserAgent)
	for _, f := range hints.fields() {
		if len(s)+len(hintText) > store.MaxUserAgent {
			break
		}
		s = append(s, hintText...)
		if len(s)+len(*f) <= store.MaxUserAgent {
			s = append(s, *f...)
		}
	}
	return strings.TrimRight(string(s), hintText)
}

// unstored takes the User-Agent field of a record apart.
func unstored(s string) (userAgent string, h Hints) {
	userAgent, s, _ = strings.Cut(s, hintText)
	for _, f := range h.fields() {
		*f, s, _ = strings.Cut(s, hintText)
	}
	return userAgent, h
}

// clientOf returns the client of a record.
func clientOf(r *store.Record) Client {
	c := Client{IP: r.IP}
	c.UserAgent, c.Hints = unstored(r.UserAgent)
	return c
}

// changed reports whether two records tell of different clients. A hint that only one of them has is no difference.
func changed(a, b *store.Record) bool {
	c, d := clientOf(a), clientOf(b)
	other := d.Hints.fields()
	for i, f := range c.Hints.fields() {
		if *f != "" && *other[i] != "" && *f != *other[i] {
			return true
		}
	}
	return c.IP != d.IP || c.UserAgent != d.UserAgent
}
