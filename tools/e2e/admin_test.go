package e2e

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const adminPath = "/admin/sessions/"

// TestAdmin: the operator finds sessions and ends them: with and without scripts, on a phone, in the dark.
// SEC-13, SEC-14.
func TestAdmin(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		adapter string
		device  device
	}{
		{"desktop", "nethttp", desktop},
		{"no-script", "fiber", desktop.with(func(d *device) { d.noScript = true })},
		{"phone-dark", "fiber", android.with(func(d *device) { d.dark = true })},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			site := startDemo(t, "--seed", strconv.Itoa(seeded), "--adapter", test.adapter)
			a := &adminTest{newTab(t, site, test.device), speak(t, "en"), site, "admin-" + test.name}
			a.signIn("olga", adminPath)
			a.check(a.name)
			a.page()
			a.filter()
			a.detail()
			a.charts()
			a.revokeSelected()
			a.revokeFound()
		})
	}
}

// seeded are the sessions that the demo makes up. With the operator's own one they are three pages of 50 at most.
const seeded = 120

type adminTest struct {
	*tab
	w          words
	site, name string
}

// A row is a session in the list.
type row struct{ ID, IP, User, Valid, Device, Location string }

func (a *adminTest) rows() []row {
	a.t.Helper()
	return eval[[]row](a.tab, `[...document.querySelectorAll("tbody tr")].map(tr => {
		const cells = [...tr.cells].map(td => td.innerText.trim());
		return {ID: tr.dataset.session, IP: cells[1], User: cells[2], Valid: cells[3], Device: cells[7], Location: cells[8]};
	})`)
}

// page goes through the whole list: it has every session once.
func (a *adminTest) page() {
	a.t.Helper()
	seen := map[string]bool{}
	a.open(adminPath + "?state=all")
	next := link(a.w.say("next-page"))
	for pages := 1; ; pages++ {
		rows := a.rows()
		for _, r := range rows {
			if seen[r.ID] {
				a.t.Errorf("page %d has %+v again", pages, r)
			}
			seen[r.ID] = true
		}
		if len(seen) > seeded {
			break
		}
		if len(rows) != 50 {
			a.t.Fatalf("page %d has %d rows", pages, len(rows))
		}
		a.click(next)
	}
	if more := a.count(a.w.say("next-page")); len(seen) != seeded+1 || more > 0 {
		a.t.Errorf("the pages have %d sessions, %d more pages; want %d", len(seen), more, seeded+1)
	}
	a.click(link(a.w.say("first-page")))
}

// count returns how many links there are with a text.
func (a *adminTest) count(text string) (n int) {
	for _, s := range a.texts("a") {
		if s == text {
			n++
		}
	}
	return n
}

// search fills in the form as a person does, from an empty one, and wants that what is found has what was asked for.
func (a *adminTest) search(ok func(row) bool, fields ...string) []row {
	a.t.Helper()
	a.open(adminPath)
	for i := 0; i < len(fields); i += 2 {
		field := chromedp.CSS(fmt.Sprintf(".filter [name=%s]", fields[i]))
		if fields[i] == "own" {
			a.do(chromedp.Click(field))
		} else {
			a.do(chromedp.SendKeys(field, fields[i+1])) // typing chooses in a list too
		}
	}
	a.click(button(a.w.say("search")))
	rows := a.rows()
	if len(rows) == 0 {
		a.t.Errorf("%q finds nothing", fields)
	}
	for _, r := range rows {
		if !ok(r) {
			a.t.Errorf("%q finds %+v", fields, r)
		}
	}
	return rows
}

func (a *adminTest) filter() {
	a.t.Helper()
	all := a.rows()
	valid := func(key string) func(row) bool { return func(r row) bool { return r.Valid == a.w.say(key) } }
	a.search(valid("active"), "state", a.w.say("active"))
	a.search(valid("expired"), "state", a.w.say("expired"))
	a.search(func(r row) bool { return r.User == a.w.say("anonymous") }, "kind", a.w.say("visitors"))
	a.search(func(r row) bool { return r.User != a.w.say("anonymous") }, "kind", a.w.say("signed-in"))
	a.search(func(r row) bool { return r.User == "alice" }, "user", "alice")
	a.search(func(r row) bool { return strings.HasPrefix(r.User, "olga") }, "own", "")
	a.search(func(r row) bool { return strings.Contains(r.Device, "iPhone") }, "text", "iphone")
	a.check(a.name + "-search")
	ip := ""
	for _, r := range all {
		if r.IP != "127.0.0.1" && r.Valid == a.w.say("active") {
			ip = r.IP
		}
	}
	a.search(func(r row) bool { return r.IP == ip }, "ip", ip)
	prefix := netip.PrefixFrom(netip.MustParseAddr(ip), 16).Masked()
	a.search(func(r row) bool { return prefix.Contains(netip.MustParseAddr(r.IP)) }, "ip", prefix.String())
	a.search(func(r row) bool { return r.User == "bob" && r.Valid == a.w.say("active") }, "user", "bob", "state", a.w.say("all"))
	a.open(adminPath + "?user=nobody")
	if got := a.texts("main > p"); !slices.Contains(got, a.w.say("none-found.active-for", "words", "nobody")) {
		a.t.Errorf("nothing is found, and the page says %q", got)
	}
	a.check(a.name + "-nothing")
	a.click(link(a.w.say("reset")))
	if status := a.open(adminPath + "?ip=everywhere"); status != 400 {
		a.t.Errorf("a wrong prefix: got status %d", status)
	}
	if got := a.texts(".wrong"); !slices.Equal(got, []string{a.w.say("wrong.ip", "ip", "everywhere", "try", "192.0.2.0/24")}) {
		a.t.Errorf("a wrong prefix: the field says %q", got)
	}
	a.check(a.name + "-mistake")
}

func (a *adminTest) detail() {
	a.t.Helper()
	rows := a.search(func(r row) bool { return r.User == "alice" }, "user", "alice")
	a.click(fmt.Sprintf(`//tr[@data-session=%q]//a`, rows[0].ID))
	got := strings.Join(a.texts("main"), "\n")
	for _, want := range []string{rows[0].ID, rows[0].IP, "alice", rows[0].Location} {
		if !strings.Contains(got, want) {
			a.t.Errorf("the page of %+v does not say %q:\n%s", rows[0], want, got)
		}
	}
	a.check(a.name + "-session")
	device := a.texts(".name > bdi")[0]
	a.do(chromedp.Click(chromedp.CSS("summary")))
	a.click(button(a.w.count("revoke.confirm-admin", 1)))
	a.wantNotice(a.w.say("notice.device-of", "device", device, "user", "alice"))
	if got := a.address(); !strings.HasSuffix(got, adminPath+"?user=alice") {
		a.t.Errorf("ending a session leads to %s", got)
	}
	if status := a.open(adminPath + rows[0].ID); status != 404 {
		a.t.Errorf("the page of a session that has ended: got status %d", status)
	}
	a.check(a.name + "-not-found")
}

func (a *adminTest) charts() {
	a.t.Helper()
	a.open(adminPath)
	a.click(link(a.w.say("charts.title")))
	if got := a.texts("h2"); !slices.Equal(got, []string{a.w.say("charts.country"), a.w.say("charts.browser"), a.w.say("charts.os"), a.w.say("charts.hours")}) {
		a.t.Errorf("got charts %q", got)
	}
	a.do(chromedp.Click(chromedp.CSS("summary")))
	a.check(a.name + "-charts")
}

func (a *adminTest) revokeSelected() {
	a.t.Helper()
	a.open(adminPath)
	a.click(button(a.w.say("revoke-selected")))
	if got := a.texts("h1"); !slices.Equal(got, []string{a.w.say("error.none-selected.title")}) {
		a.t.Errorf("nothing is selected: got %q", got)
	}
	a.open(adminPath)
	var chosen []row
	for _, r := range a.rows() {
		if !strings.HasPrefix(r.User, "olga") && len(chosen) < 2 {
			chosen = append(chosen, r)
			a.do(chromedp.Click(chromedp.CSS(fmt.Sprintf("input[value=%q]", r.ID))))
		}
	}
	a.screenshot(a.name + "-selected")
	a.click(button(a.w.say("revoke-selected")))
	if got := a.texts(".lead"); !slices.Equal(got, []string{a.w.count("confirm.count", 2)}) || len(a.texts("main li")) != 2 {
		a.t.Errorf("got question %q about %q", got, a.texts("main li"))
	}
	a.check(a.name + "-confirm")
	a.click(button(a.w.count("revoke.confirm-admin", 2)))
	a.wantNotice(a.w.count("notice.revoked", 2))
	a.check(a.name + "-done")
	for _, r := range a.rows() {
		if slices.ContainsFunc(chosen, func(c row) bool { return c.ID == r.ID }) {
			a.t.Errorf("%+v is still there", r)
		}
	}
}

// revokeFound ends all of a search, and then everybody's.
func (a *adminTest) revokeFound() {
	a.t.Helper()
	bob := newTab(a.t, a.site, iPhone)
	bob.signIn("bob", accountPath)
	if status := bob.open(adminPath); status != 403 {
		a.t.Errorf("the page for operators: got status %d for bob", status)
	}
	bob.check(a.name + "-forbidden")
	bob.open(accountPath)
	rows := a.search(func(r row) bool { return r.User == "bob" }, "user", "bob")
	a.click(button(a.w.say("revoke-filter")))
	if got := a.texts(".lead"); !slices.Equal(got, []string{a.w.count("confirm.count", len(rows))}) {
		a.t.Errorf("got question %q about %d sessions", got, len(rows))
	}
	a.check(a.name + "-confirm-search")
	a.click(button(a.w.count("revoke.confirm-admin", len(rows))))
	a.wantNotice(a.w.count("notice.revoked", len(rows)))
	bob.wantOut()

	a.open(adminPath + "?limit=200")
	n := len(a.rows()) - 1 // but the operator's own
	a.click(button(a.w.say("revoke-everyone")))
	a.check(a.name + "-confirm-everyone")
	question := a.texts(".lead")
	a.do(chromedp.Click(chromedp.CSS("[name=everyone]")))
	a.click(button(a.w.count("revoke.confirm-admin", n)))
	a.wantNotice(a.w.count("notice.revoked", n))
	if want := a.w.count("confirm.count", n); !slices.Equal(question, []string{want}) {
		a.t.Errorf("got question %q, want %q", question, want)
	}
	if rows := a.rows(); len(rows) != 1 || !strings.HasPrefix(rows[0].User, "olga") {
		a.t.Errorf("everybody's sessions have ended, but for %+v", rows)
	}
}
