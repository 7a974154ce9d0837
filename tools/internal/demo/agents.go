package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/qsessions/qsessions/core/session"
)

// An agent is a kind of browser, or of another program.
type agent struct {
	weight    int
	userAgent string   // with the version, and then, unless there are hints, with one of parts: as it is, and with dots
	versions  [2]int   // the first and the last
	parts     []string // models or, of iOS, releases
	platform  string   // Sec-CH-UA-Platform; "" is a browser without client hints
	release   string   // Sec-CH-UA-Platform-Version
	brand     string   // in Sec-CH-UA, beside Chromium
	mobile    bool
}

const (
	webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
	blink  = "AppleWebKit/537.36 (KHTML, like Gecko)"
)

// agents are what people use. Only these sign in.
func agents() []agent {
	phones := []string{"Pixel 8", "Pixel 9 Pro", "SM-S921B", "SM-A556B", "SM-A166B", "CPH2609", "2311DRK48G", "XT2405-1"}
	ios := []string{"17_6_1", "18_3_2", "18_5", "18_6_2"}
	return []agent{
		{weight: 16, userAgent: "Mozilla/5.0 (Linux; Android 10; K) " + blink + " Chrome/%d.0.0.0 Mobile Safari/537.36", versions: [2]int{138, 142}, parts: phones, platform: "Android", release: "15.0.0", brand: "Google Chrome", mobile: true},
		{weight: 16, userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS %[2]s like Mac OS X) " + webkit + " Version/%[3]s Mobile/15E148 Safari/604.1", parts: ios},
		{weight: 15, userAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + blink + " Chrome/%d.0.0.0 Safari/537.36", versions: [2]int{138, 142}, platform: "Windows", release: "15.0.0", brand: "Google Chrome"},
		{weight: 8, userAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + webkit + " Version/%d.5 Safari/605.1.15", versions: [2]int{17, 18}},
		{weight: 6, userAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:%[1]d.0) Gecko/20100101 Firefox/%[1]d.0", versions: [2]int{140, 144}},
		{weight: 6, userAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + blink + " Chrome/%[1]d.0.0.0 Safari/537.36 Edg/%[1]d.0.0.0", versions: [2]int{138, 142}, platform: "Windows", release: "15.0.0", brand: "Microsoft Edge"},
		{weight: 5, userAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + blink + " Chrome/%d.0.0.0 Safari/537.36", versions: [2]int{138, 142}, platform: "macOS", release: "15.5.0", brand: "Google Chrome"},
		{weight: 5, userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:%[1]d.0) Gecko/20100101 Firefox/%[1]d.0", versions: [2]int{140, 144}},
		{weight: 4, userAgent: "Mozilla/5.0 (Linux; Android 14; %[2]s) " + blink + " SamsungBrowser/%[1]d.0 Chrome/125.0.0.0 Mobile Safari/537.36", versions: [2]int{27, 28}, parts: []string{"SM-S911B", "SM-A546B"}},
		{weight: 4, userAgent: "Mozilla/5.0 (iPad; CPU OS %[2]s like Mac OS X) " + webkit + " Version/%[3]s Mobile/15E148 Safari/604.1", parts: ios},
		{weight: 3, userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS %[2]s like Mac OS X) " + webkit + " CriOS/%[1]d.0.7204.156 Mobile/15E148 Safari/604.1", versions: [2]int{138, 141}, parts: ios},
		{weight: 3, userAgent: "Mozilla/5.0 (Android 15; Mobile; rv:%[1]d.0) Gecko/%[1]d.0 Firefox/%[1]d.0", versions: [2]int{140, 144}},
		{weight: 2, userAgent: "Mozilla/5.0 (Linux; Android 14; SM-X710) " + blink + " Chrome/%d.0.0.0 Safari/537.36", versions: [2]int{138, 142}, parts: []string{"SM-X710"}, platform: "Android", release: "14.0.0", brand: "Google Chrome"},
		{weight: 2, userAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + blink + " Chrome/141.0.0.0 Safari/537.36 OPR/%d.0.0.0", versions: [2]int{121, 123}, platform: "Windows", release: "10.0.0", brand: "Opera"},
		{weight: 2, userAgent: "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + blink + " Chrome/%d.0.0.0 Safari/537.36", versions: [2]int{138, 142}, platform: "Chrome OS", release: "16328.55.0", brand: "Google Chrome"},
		{weight: 1, userAgent: "Mozilla/5.0 (SMART-TV; LINUX; Tizen %d.0) " + blink + " 94.0.4606.31/7.0 TV Safari/537.36", versions: [2]int{6, 7}},
		{weight: 1, userAgent: "Mozilla/5.0 (Web0S; Linux/SmartTV) " + blink + " Chrome/%d.0.6099.211 Safari/537.36 WebAppManager", versions: [2]int{108, 120}},
	}
}

// bots visit, and sign in nowhere.
func bots() []agent {
	return []agent{
		{weight: 4, userAgent: "Mozilla/5.0 (compatible; Googlebot/2.%d; +http://www.google.com/bot.html)", versions: [2]int{1, 1}},
		{weight: 2, userAgent: "Mozilla/5.0 " + blink + " (compatible; bingbot/2.%d; +http://www.bing.com/bingbot.htm) Chrome/136.0.0.0 Safari/537.36", versions: [2]int{0, 0}},
		{weight: 1, userAgent: "curl/8.%d.0", versions: [2]int{5, 14}},
	}
}

// client is what one of the kind sends from nowhere yet.
func (a *agent) client(rng *rand.Rand) session.Client {
	version := a.versions[0] + rng.IntN(a.versions[1]-a.versions[0]+1)
	part := ""
	args := []any{version}
	if len(a.parts) > 0 {
		part = a.parts[rng.IntN(len(a.parts))]
	}
	if part != "" && a.platform == "" {
		args = append(args, part, strings.ReplaceAll(part, "_", "."))
	}
	c := session.Client{UserAgent: fmt.Sprintf(a.userAgent, args...)}
	if a.platform != "" {
		c.Hints = session.Hints{
			Platform: quote(a.platform), PlatformVersion: quote(a.release), Model: quote(part), Mobile: "?0",
			Brands: fmt.Sprintf(`"Chromium";v="%d", "%s";v="%[1]d", "Not=A?Brand";v="24"`, version, a.brand),
		}
		if a.mobile {
			c.Hints.Mobile = "?1"
		}
	}
	return c
}

func quote(s string) string { return `"` + s + `"` }
