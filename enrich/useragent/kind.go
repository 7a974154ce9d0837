package useragent

import (
	"strings"

	"github.com/qsessions/qsessions/core/session"
)

// kind tells the sort of machine by what browsers and crawlers agree to say of it. Nothing is said of programs that say
// nothing of their machine.
func kind(ua string, d *session.Device) session.DeviceKind {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(ua, w) {
				return true
			}
		}
		return false
	}
	switch {
	case d.Family == "Spider" || crawler(ua, d.Browser.Name):
		return session.KindBot
	case television(ua):
		return session.KindTV
	case has("iPad", "Tablet") && !has("Tablet PC"): // which is what Internet Explorer calls any Windows
		return session.KindTablet
	case has("Mobi", "iPhone", "iPod", "Windows Phone", "Opera Mini"):
		return session.KindMobile
	case has("Android"): // a phone would have said Mobile
		return session.KindTablet
	case has("Windows NT", "Macintosh", "X11", "CrOS"):
		return session.KindDesktop
	}
	return ""
}

// crawler knows those that the library takes for the phone that they claim to be, by the name that it gives them; and the
// custom of those that it does not know yet: they name a page to read about them.
func crawler(ua, browser string) bool {
	browser = strings.ToLower(browser)
	return strings.HasSuffix(browser, "bot") || strings.HasSuffix(browser, "spider") || strings.HasSuffix(browser, "crawler") || strings.Contains(ua, "+http")
}

// television looks for TV at the end of a word: a build of Android may be called TVA1.
func television(ua string) bool {
	for {
		_, rest, ok := strings.Cut(ua, "TV")
		if !ok {
			return strings.Contains(ua, "CrKey")
		}
		if rest == "" || !letter(rest[0]) {
			return true
		}
		ua = rest
	}
}

func letter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
