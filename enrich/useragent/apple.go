package useragent

import (
	"strings"

	"github.com/qsessions/qsessions/core/session"
)

// How people read of a device that may be either.
const (
	macOrIPad     = "Mac or iPad"
	macOSOrIPadOS = "macOS or iPadOS"
	frozenSafari  = "AppleWebKit/605.1.15 (KHTML, like Gecko)" // since 2018, on all of Apple's devices
)

// apple corrects what browsers on Apple's devices say of themselves. An iPad calls itself a Macintosh unless a page asks for
// its mobile form, and every Mac since 2020 calls its system Mac OS X 10.15.7, or 10.15 in Firefox: that version says nothing.
func apple(ua string, d *session.Device) {
	if !strings.Contains(ua, "(Macintosh;") || d.Kind == session.KindBot {
		return
	}
	for _, mark := range [...]string{" Mobile/", " CriOS/", " FxiOS/", " EdgiOS/", " OPiOS/", " OPT/", " GSA/"} {
		if strings.Contains(ua, mark) { // which no program on a Mac says
			d.Kind, d.Family, d.Brand, d.Model, d.OS = session.KindTablet, "iPad", "Apple", "iPad", session.Product{Name: "iOS"}
			return
		}
	}
	if d.OS.Name != "Mac OS X" || d.OS.Major != "10" || d.OS.Minor != "15" {
		return // older, and so a Mac
	}
	_, behind, safari := strings.Cut(ua, frozenSafari)
	switch {
	case safari && !strings.Contains(behind, "Chrome/"):
		d.Kind, d.Family, d.Brand, d.Model, d.OS = "", macOrIPad, "Apple", "", session.Product{Name: macOSOrIPadOS}
	case d.OS.Patch == "7" || d.OS.Patch == "":
		d.OS = session.Product{Name: d.OS.Name}
	}
}

// fourth returns the fourth part of the version of p, which the library does not read, by the User-Agent itself:
// "0" of "Chrome/118.0.0.0". It is "" if there is none.
func fourth(ua string, p session.Product) (part string) {
	if p.Major == "" || p.Minor == "" || p.Patch == "" {
		return ""
	}
	version := "/" + p.Version() + "."
	for {
		_, rest, found := strings.Cut(ua, version)
		if !found {
			return part
		}
		n := 0
		for n < len(rest) && digit(rest[n]) {
			n++
		}
		if n > 0 && n <= 9 && (n == len(rest) || !letter(rest[n])) {
			if part = rest[:n]; strings.HasPrefix(p.Name, "Chrome") {
				return part // other browsers come behind it
			}
		}
		ua = rest
	}
}
