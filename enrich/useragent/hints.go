package useragent

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/qsessions/qsessions/core/session"
)

const (
	maxHint = 192 // bytes of a field; longer ones are ignored
	maxName = 64  // bytes of a name in it
)

// apply lets the hints h win over what the User-Agent said. A field that is no structured field of its type is ignored.
func (l *library) apply(d *session.Device, h session.Hints) {
	platform, version, model := name(h.Platform), name(h.PlatformVersion), name(h.Model)
	if platform != "" && platform != "Unknown" {
		d.OS = system(platform, version, d.OS)
		if platform == "macOS" && d.Family == macOrIPad {
			d.Family, d.Model = "Mac", "Mac"
		}
	}
	if len(h.Mobile) <= maxHint {
		if mobile, ok := boolField(h.Mobile); ok && d.Kind != session.KindTV {
			d.Kind = kindOf(mobile, d.OS.Name, d.Kind)
		}
	}
	if model != "" {
		l.applyModel(d, model)
	}
	if len(h.Brands) <= maxHint {
		if brands, ok := brandsField(h.Brands); ok {
			d.Browser = browser(brands, d.Browser)
		}
	}
}

// name reads a hint that is a string.
func name(hint string) string {
	if len(hint) > maxHint {
		return ""
	}
	s, ok := stringField(hint)
	if s = strings.TrimSpace(s); !ok || len(s) > maxName {
		return ""
	}
	return s
}

// system returns the operating system. Chrome freezes its version in the User-Agent, so without a hint of the version the
// User-Agent's counts where it is of the same platform.
func system(platform, version string, said session.Product) session.Product {
	same := said.Name == platform
	switch platform {
	case "macOS":
		same = said.Name == "Mac OS X"
	case "Windows":
		version = windowsVersion(version)
	case "Linux":
		switch said.Name {
		case "", "Linux", "Android", "Windows", "Mac OS X", macOSOrIPadOS, "iOS", "Chrome OS":
		default:
			return said // a distribution says more
		}
	case "Chromium OS":
		platform = "Chrome OS"
		same = said.Name == platform
	}
	parts, ok := versionParts(version)
	if parts[0] == "0" && parts[1] == "" { // not known
		parts, ok = [4]string{}, false
	}
	if !ok && same {
		return said
	}
	return session.Product{Name: platform, Major: parts[0], Minor: parts[1], Patch: parts[2], PatchMinor: parts[3]}
}

// windowsVersion returns what Windows calls itself where its API says version: 13 and later are Windows 11, 1 to 12 are
// Windows 10, and 0.1 to 0.3 are 7, 8 and 8.1, as the documentation of Sec-CH-UA-Platform-Version has it.
func windowsVersion(version string) string {
	parts, ok := versionParts(version)
	if !ok {
		return ""
	}
	major, _ := strconv.Atoi(parts[0])
	switch {
	case major >= 13:
		return "11"
	case major > 0:
		return "10"
	}
	switch parts[1] {
	case "1":
		return "7"
	case "2":
		return "8"
	case "3":
		return "8.1"
	}
	return ""
}

// versionParts splits a version of up to four numbers, and drops the zeros at its end: Android 14 says 14.0.0.
func versionParts(version string) (parts [4]string, ok bool) {
	if version == "" {
		return parts, false
	}
	n := 0
	for part := range strings.SplitSeq(version, ".") {
		if n == len(parts) || part == "" || len(part) > 9 || strings.ContainsFunc(part, func(r rune) bool { return r < '0' || r > '9' }) {
			return [4]string{}, false
		}
		parts[n] = part
		n++
	}
	for n--; n > 0 && strings.Trim(parts[n], "0") == ""; n-- {
		parts[n] = ""
	}
	return parts, true
}

// applyModel sets the model. For Android the library knows who makes it: it is asked as if the User-Agent still said it.
func (l *library) applyModel(d *session.Device, model string) {
	family, brand := model, ""
	if d.OS.Name == "Android" {
		mobile := "Mobile "
		if d.Kind != session.KindMobile {
			mobile = ""
		}
		found := l.models.of("Mozilla/5.0 (Linux; Android 10; "+model+") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 "+mobile+"Safari/537.36", l.model)
		if found.Model == model { // else the model holds more than a name
			family, brand = known(found.Family), found.Brand
		}
	}
	d.Family, d.Brand, d.Model = family, brand, model
}

func kindOf(mobile bool, os string, said session.DeviceKind) session.DeviceKind {
	switch {
	case mobile && said == session.KindTablet:
		return said
	case mobile:
		return session.KindMobile
	case os == "Android":
		return session.KindTablet
	case os == "Windows" || os == "macOS" || os == "Mac OS X" || os == "Chrome OS" || said == session.KindMobile:
		return session.KindDesktop
	}
	return said
}

// browser returns the browser that brands name, or said where they name none, or the same: the library knows more of its
// version, and calls it as it calls those that send no hints.
func browser(brands []brand, said session.Product) session.Product {
	for _, b := range brands {
		b.name = strings.TrimSpace(b.name)
		if !specific(b.name) || len(b.name) > maxName {
			continue
		}
		short := strings.TrimPrefix(strings.TrimPrefix(b.name, "Google "), "Microsoft ")
		parts, ok := versionParts(b.version)
		if strings.HasPrefix(said.Name, short) {
			if !ok || parts[0] == said.Major {
				return said
			}
			short = said.Name
		}
		return session.Product{Name: short, Major: parts[0], Minor: parts[1], Patch: parts[2], PatchMinor: parts[3]}
	}
	return said
}

// specific reports whether name is that of a browser. It may also be an engine, or a shell around it that says in the
// User-Agent which application it is; or grease, which Chromium adds lest anybody relies on the order or the form:
// "Not=A?Brand" in ever new spellings.
func specific(name string) bool {
	switch name {
	case "", "Chromium", "Android WebView", "Microsoft Edge WebView2":
		return false
	}
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
	return letters != "" && letters != "notabrand" && letters != "notanybrand"
}
