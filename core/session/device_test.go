package session

import (
	"encoding/json"
	"testing"
)

// TestDeviceText covers what people read of a device.
func TestDeviceText(t *testing.T) {
	t.Parallel()
	android := Product{Name: "Android", Major: "10"}
	for _, test := range []struct {
		d           Device
		text, short string
	}{
		{Device{}, "", ""},
		{Device{Kind: KindBot}, "", ""},
		{
			Device{Family: "K", Brand: "Generic_Android", Model: "K", OS: android, Browser: Product{"Chrome Mobile", "118", "0", "0", "0"}},
			"K / Android 10 / Chrome Mobile 118.0.0.0", "Chrome on Android",
		},
		{Device{OS: Product{Name: "Debian"}, Browser: Product{Name: "Firefox", Major: "140"}}, "Debian / Firefox 140", "Firefox on Debian"},
		{Device{Family: "iPhone", OS: Product{Name: "iOS"}, Browser: Product{Name: "Chrome Mobile iOS"}}, "iPhone / iOS / Chrome Mobile iOS", "Chrome on iOS"},
		{Device{OS: Product{Name: "iOS"}, Browser: Product{Name: "Mobile Safari"}}, "iOS / Mobile Safari", "Safari on iOS"},
		{Device{OS: Product{Name: "Android"}, Browser: Product{Name: "Android"}}, "Android / Android", "Android on Android"},
		{Device{OS: android}, "Android 10", "Android"},
		{Device{Browser: Product{"curl", "8", "5", "0", ""}}, "curl 8.5.0", "curl"},
		{Device{Browser: Product{Name: "Mobile"}}, "Mobile", "Mobile"},
		{Device{Family: "Roku"}, "Roku", "Roku"},
	} {
		if text, short := test.d.String(), test.d.Short(); text != test.text || short != test.short {
			t.Errorf("got %q and %q, want %q and %q", text, short, test.text, test.short)
		}
	}
}

// TestProductText: a version ends before its first unknown part.
func TestProductText(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Product{
		"": {}, "a": {Name: "a"}, "a 1": {Name: "a", Major: "1"}, "a 1.2.3.4": {"a", "1", "2", "3", "4"}, "b 1": {"b", "1", "", "3", "4"},
		"b XP": {Name: "b", Major: "XP"}, "c": {Name: "c", Patch: "3"}, "7": {Major: "7"},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestLocationText covers what people read of a location.
func TestLocationText(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]Location{
		"": {}, "Tehran, Iran": {City: "Tehran", Country: "Iran", CountryCode: "IR"}, "Iran": {Country: "Iran", CountryCode: "IR"},
		"SE": {CountryCode: "SE"}, "Linköping, SE": {City: "Linköping", CountryCode: "SE"}, "Oslo": {City: "Oslo"},
	} {
		if got := l.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestFactsJSON: unknown facts take no room in JSON, and false and zero are unknown, but for half of a point.
func TestFactsJSON(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]Facts{
		`{}`: {},
		`{"device":{"kind":"bot","os":{"name":"x"}},"location":{"eu":true,"anonymizer":{"vpn":true}}}`: {
			Device: Device{Kind: KindBot, OS: Product{Name: "x"}}, Location: Location{EU: true, Anonymizer: Anonymizer{VPN: true}},
		},
		`{"location":{"coordinates":{"latitude":0,"longitude":9.5,"radius_km":20}}}`: {Location: Location{Coordinates: Coordinates{Longitude: 9.5, RadiusKM: 20}}},
	} {
		if got, err := json.Marshal(f); err != nil || string(got) != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
}
