package useragent

import (
	"strings"
	"testing"

	"github.com/qsessions/qsessions/core/session"
)

// sent has the fields in the order of session.Hints.
func sent(platform, version, model, mobile, brands string) session.Hints {
	return session.Hints{Platform: platform, PlatformVersion: version, Model: model, Mobile: mobile, Brands: brands}
}

// TestHints: hints win over what Chrome has frozen in its User-Agent, and over nothing else.
func TestHints(t *testing.T) {
	t.Parallel()
	p := newParser(t)
	const (
		noise   = `"Not=A?Brand";v="99", "Chromium";v="118"`
		chrome  = noise + `, "Google Chrome";v="118"`
		webview = noise + `, "Android WebView";v="118"`
		tablet  = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36"
		inApp   = "Mozilla/5.0 (Linux; Android 13; Pixel 7 Build/TQ3A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/118.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/400.0.0.37.76;]"
		linux   = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36"
	)
	for _, test := range []struct {
		name string
		ua   string
		h    session.Hints
		kind session.DeviceKind
		want string
	}{
		{"all of a phone", phone, sent(`"Android"`, `"14.0.0"`, `"Pixel 7"`, "?1", chrome), session.KindMobile, "Pixel 7 / Android 14 / Chrome Mobile 118.0.0.0"},
		{"brand by the model", phone, sent(`"Android"`, `"13.0.0"`, `"SM-G991B"`, "?1", chrome), session.KindMobile, "Samsung SM-G991B / Android 13 / Chrome Mobile 118.0.0.0"},
		{"minor version", phone, sent(`"Android"`, `"8.1.0"`, `""`, "?1", chrome), session.KindMobile, "K / Android 8.1 / Chrome Mobile 118.0.0.0"},
		{"version without platform", phone, session.Hints{PlatformVersion: `"14.0.0"`}, session.KindMobile, "K / Android 10 / Chrome Mobile 118.0.0.0"},
		{"model alone", phone, session.Hints{Model: `"Pixel 7"`}, session.KindMobile, "Pixel 7 / Android 10 / Chrome Mobile 118.0.0.0"},
		{"tablet", tablet, sent(`"Android"`, `"14.0.0"`, `"SM-X710"`, "?0", chrome), session.KindTablet, "SM-X710 / Android 14 / Chrome 118.0.0.0"},
		{"phone that the User-Agent takes for a tablet", tablet, session.Hints{Mobile: "?1"}, session.KindTablet, "K / Android 10 / Chrome 118.0.0.0"},
		{"tablet that the User-Agent takes for a phone", phone, session.Hints{Platform: `"Android"`, Mobile: "?0"}, session.KindTablet, "K / Android 10 / Chrome Mobile 118.0.0.0"},

		{"Windows 11", windows, sent(`"Windows"`, `"15.0.0"`, `""`, "?0", chrome), session.KindDesktop, "Windows 11 / Chrome 118.0.0.0"},
		{"Windows 11, first", windows, session.Hints{Platform: `"Windows"`, PlatformVersion: `"13.0.0"`}, session.KindDesktop, "Windows 11 / Chrome 118.0.0.0"},
		{"Windows 10, last", windows, session.Hints{Platform: `"Windows"`, PlatformVersion: `"12.0.0"`}, session.KindDesktop, "Windows 10 / Chrome 118.0.0.0"},
		{"Windows 10, first", windows, session.Hints{Platform: `"Windows"`, PlatformVersion: `"1.0.0"`}, session.KindDesktop, "Windows 10 / Chrome 118.0.0.0"},
		{"Windows 8.1", windows, session.Hints{Platform: `"Windows"`, PlatformVersion: `"0.3.0"`}, session.KindDesktop, "Windows 8.1 / Chrome 118.0.0.0"},
		{"Windows 8", windows, session.Hints{Platform: `"Windows"`, PlatformVersion: `"0.2.0"`}, session.KindDesktop, "Windows 8 / Chrome 118.0.0.0"},
		{"Windows 7", windows, session.Hints{Platform: `"Windows"`, PlatformVersion: `"0.1.0"`}, session.KindDesktop, "Windows 7 / Chrome 118.0.0.0"},
		{"Windows, unknown", windows, session.Hints{Platform: `"Windows"`, PlatformVersion: `"0.0.0"`}, session.KindDesktop, "Windows 10 / Chrome 118.0.0.0"},
		{"macOS", mac, sent(`"macOS"`, `"14.5.0"`, `""`, "?0", chrome), session.KindDesktop, "Mac / macOS 14.5 / Chrome 118.0.0.0"},
		{"macOS without version", mac, session.Hints{Platform: `"macOS"`}, session.KindDesktop, "Mac / Mac OS X / Chrome 118.0.0.0"},
		{"Chrome OS", linux, session.Hints{Platform: `"Chromium OS"`, PlatformVersion: `"15359.58.0"`}, session.KindDesktop, "Chrome OS 15359.58 / Chrome 118.0.0.0"},
		{"Chrome OS without version", "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36", session.Hints{Platform: `"Chromium OS"`}, session.KindDesktop, "Chrome OS 14541.0.0 / Chrome 118.0.0.0"},
		{"Linux", linux, sent(`"Linux"`, `"5.15.0"`, `""`, "?0", chrome), session.KindDesktop, "Linux 5.15 / Chrome 118.0.0.0"},
		{"distribution", ubuntu, session.Hints{Platform: `"Linux"`, PlatformVersion: `"5.15.0"`}, session.KindDesktop, "Ubuntu / Firefox 128.0"},
		{"another platform than the User-Agent's", windows, session.Hints{Platform: `"macOS"`}, session.KindDesktop, "macOS / Chrome 118.0.0.0"},
		{"unknown platform", windows, session.Hints{Platform: `"Unknown"`}, session.KindDesktop, "Windows 10 / Chrome 118.0.0.0"},
		{"headset", linux, sent(`"Android"`, `"12.0.0"`, `"Quest 3"`, "?0", chrome), session.KindTablet, "Quest / Android 12 / Chrome 118.0.0.0"},

		{"hidden brand", phone, session.Hints{Brands: `"Brave";v="119", ` + noise}, session.KindMobile, "K / Android 10 / Brave 119"},
		{"hidden brand, last", phone, session.Hints{Brands: noise + `, "Brave";v="118"`}, session.KindMobile, "K / Android 10 / Brave 118"},
		{"same browser, other version", windows, session.Hints{Brands: `"Google Chrome";v="119"`}, session.KindDesktop, "Windows 10 / Chrome 119"},
		{"same browser, no version", windows, session.Hints{Brands: `"Google Chrome"`}, session.KindDesktop, "Windows 10 / Chrome 118.0.0.0"},
		{"Edge", windows + " Edg/118.0.2088.46", session.Hints{Brands: noise + `, "Microsoft Edge";v="118"`}, session.KindDesktop, "Windows 10 / Edge 118.0.2088.46"},
		{"another browser than the User-Agent's", ubuntu, session.Hints{Brands: chrome}, session.KindDesktop, "Ubuntu / Chrome 118"},
		{"engine alone", windows, session.Hints{Brands: noise}, session.KindDesktop, "Windows 10 / Chrome 118.0.0.0"},
		{"in an application", inApp, session.Hints{Platform: `"Android"`, Brands: webview}, session.KindMobile, "Pixel 7 / Android 13 / Facebook 400.0.0.37"},
		{"grease in all spellings", windows, session.Hints{Brands: `" Not A;Brand";v="99", "Not;A Brand";v="99", "Not_A Brand";v="8", "(Not(A:Brand";v="8", "Not.A/Brand";v="8", "Not)A;Brand";v="24", "Not:A-Brand";v="8"`}, session.KindDesktop, "Windows 10 / Chrome 118.0.0.0"},

		{"no name of a browser", windows, session.Hints{Brands: `" ";v="8", "???";v="1"`}, session.KindDesktop, "Windows 10 / Chrome 118.0.0.0"},
		{"name with spaces around", windows, session.Hints{Brands: `" Brave ";v="118"`}, session.KindDesktop, "Windows 10 / Brave 118"},
		{"version that is not known", phone, session.Hints{Platform: `"Android"`, PlatformVersion: `"0.0.0"`}, session.KindMobile, "K / Android 10 / Chrome Mobile 118.0.0.0"},
		{"version of another platform that is not known", windows, session.Hints{Platform: `"macOS"`, PlatformVersion: `"0.0.0"`}, session.KindDesktop, "macOS / Chrome 118.0.0.0"},

		{"a crawler keeps its name", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", sent(`"Android"`, `"14.0.0"`, `"Pixel 7"`, "?1", chrome), session.KindBot, "Spider / Googlebot 2.1"},
		{"no User-Agent", "", sent(`"Android"`, `"14.0.0"`, `"Pixel 7"`, "?1", chrome), "", ""},
		{"not structured fields", phone, sent("Windows", "15.0.0", "Pixel 7", "1", "Brave"), session.KindMobile, "K / Android 10 / Chrome Mobile 118.0.0.0"},
		{"one bad brand spoils the list", phone, session.Hints{Brands: `"Brave";v="118", x`}, session.KindMobile, "K / Android 10 / Chrome Mobile 118.0.0.0"},
		{"bad versions", phone, session.Hints{Platform: `"Android"`, PlatformVersion: `"14.x"`, Brands: `"Brave";v="a"`}, session.KindMobile, "K / Android 10 / Brave"},
		{"too many numbers", phone, session.Hints{Platform: `"Android"`, PlatformVersion: `"14.1.1.1.1"`}, session.KindMobile, "K / Android 10 / Chrome Mobile 118.0.0.0"},
		{"too long", phone, sent(`"`+strings.Repeat("a", 65)+`"`, "", `"`+strings.Repeat("m", 65)+`"`, "?0;"+strings.Repeat("a", 200), `"Brave";v="118";x="`+strings.Repeat("b", 200)+`"`), session.KindMobile, "K / Android 10 / Chrome Mobile 118.0.0.0"},
		{"a model that is more than a name", phone, session.Hints{Model: `"x) Googlebot/2.1 ("`}, session.KindMobile, "x) Googlebot/2.1 ( / Android 10 / Chrome Mobile 118.0.0.0"},
	} {
		if d := p.Parse(test.ua, test.h); d.Kind != test.kind || d.String() != test.want {
			t.Errorf("%s: got %q %q, want %q %q", test.name, d.Kind, d, test.kind, test.want)
		}
	}
	d := p.Parse(phone, session.Hints{Model: `"SM-G991B"`})
	if got, want := [...]string{d.Family, d.Brand, d.Model}, [...]string{"Samsung SM-G991B", "Samsung", "SM-G991B"}; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestStructuredFields: fields are read as RFC 8941 has them, or not at all.
func TestStructuredFields(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"a"`: "a", `""`: "", ` "a" `: "a", `"a b"`: "a b", `"\"\\"`: `"\`, `"a";x`: "a", `"a"; x=1;*y=?0;z="\""`: "a", `"a";x=a:b/c`: "a", `"é"`: "!",
		``: "!", `a`: "!", `"a`: "!", `a"`: "!", `"a"b`: "!", `"a" "b"`: "!", `"a", "b"`: "!", `"\x"`: "!", `"\`: "!", `"\"`: "!", "\"a\x00\"": "!", "\"\x7f\"": "!", `'a'`: "!",
		`"a";`: "!", `"a";X`: "!", `"a";x=`: "!", `"a";x="`: "!", `"a";=1`: "!", `"a";x=1 y`: "!", "\t\"a\"": "!",
	} {
		got, ok := stringField(in)
		if !ok {
			got = "!"
		}
		if got != want {
			t.Errorf("string %s: got %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"?1": "yes", "?0": "no", " ?1 ": "yes", "?1;a": "yes", "?1;a=b": "yes", "": "!", "?": "!", "?2": "!", "?11": "!", "1": "!", "true": "!", `"?1"`: "!", "?1,?0": "!",
	} {
		got := map[bool]string{true: "yes", false: "no"}
		value, ok := boolField(in)
		if text := map[bool]string{true: got[value], false: "!"}[ok]; text != want {
			t.Errorf("boolean %s: got %s, want %s", in, text, want)
		}
	}
	for in, want := range map[string]string{
		`"a";v="1"`: "a=1", `"a";v="1", "b";v="2"`: "a=1 b=2", `"a";v="1","b"`: "a=1 b=", "\"a\"\t ,\t \"b\"": "a= b=", `"a";v=1`: "a=", `"a";v="1";v="2"`: "a=2", `"a";x="3";v="1"`: "a=1",
		`"a\";v=\"9";v="1"`: `a";v="9=1`, "": "!", `a`: "!", `"a",`: "!", `,"a"`: "!", `"a",,"b"`: "!", `"a" "b"`: "!", `("a")`: "!", `"a";v="1`: "!", `"a";v="1", x`: "!", `"a";;v="1"`: "!",
	} {
		brands, ok := brandsField(in)
		var got []string
		for _, b := range brands {
			got = append(got, b.name+"="+b.version)
		}
		text := strings.Join(got, " ")
		if !ok {
			text = "!"
		}
		if text != want || !ok && brands != nil {
			t.Errorf("brands %s: got %q, want %q", in, text, want)
		}
	}
}
