package session

import "strings"

// A Device is what a client says of its machine and its software. Empty fields are unknown.
type Device struct {
	Kind    DeviceKind `json:"kind,omitempty"`
	Family  string     `json:"family,omitempty"` // of the hardware, as people call it: "iPhone", "Samsung SM-G991B"
	Brand   string     `json:"brand,omitempty"`  // "Apple", "Samsung"
	Model   string     `json:"model,omitempty"`  // "iPhone", "SM-G991B"
	OS      Product    `json:"os,omitzero"`
	Browser Product    `json:"browser,omitzero"` // or another program, or a bot
}

// A DeviceKind says what sort of machine a device is. Other kinds than these may come.
type DeviceKind string

// The kinds of devices.
const (
	KindMobile  DeviceKind = "mobile"
	KindTablet  DeviceKind = "tablet"
	KindDesktop DeviceKind = "desktop"
	KindTV      DeviceKind = "tv"
	KindBot     DeviceKind = "bot" // it says that it is a crawler
)

// A Product is a piece of software and its version. The parts are text: "XP" and "1beta" are versions too.
type Product struct {
	Name       string `json:"name,omitempty"`
	Major      string `json:"major,omitempty"`
	Minor      string `json:"minor,omitempty"`
	Patch      string `json:"patch,omitempty"`
	PatchMinor string `json:"patch_minor,omitempty"`
}

// Version is the version with dots, as far as it is known: "118.0.0.0", or "".
func (p Product) Version() string {
	var b strings.Builder
	for _, part := range [...]string{p.Major, p.Minor, p.Patch, p.PatchMinor} {
		if part == "" {
			break
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(part)
	}
	return b.String()
}

// String is name and version: "Android 10", or "".
func (p Product) String() string { return strings.TrimSpace(p.Name + " " + p.Version()) }

// String is for people: "K / Android 10 / Chrome Mobile 118.0.0.0", what of it is known, or "".
func (d Device) String() string {
	parts := make([]string, 0, 3)
	for _, s := range [...]string{d.Family, d.OS.String(), d.Browser.String()} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " / ")
}

// Short is for lists: "Chrome on Android", what of it is known, or "". It leaves out versions, and what the name of a
// browser says of the platform: "Chrome Mobile iOS" is Chrome on iOS.
func (d Device) Short() string {
	browser := d.Browser.Name
	words := strings.Fields(browser)
	kept := words[:0]
	for _, w := range words {
		if w != "Mobile" && w != d.OS.Name {
			kept = append(kept, w)
		}
	}
	if len(kept) > 0 {
		browser = strings.Join(kept, " ")
	}
	switch {
	case browser != "" && d.OS.Name != "":
		return browser + " on " + d.OS.Name
	case browser != "":
		return browser
	case d.OS.Name != "":
		return d.OS.Name
	}
	return d.Family
}
