package adaptertest

import "github.com/qsessions/qsessions/core/session"

// A fetch is a request as a browser describes it by Fetch Metadata.
type fetch struct{ method, site, mode, dest string }

func (f fetch) header() []string {
	if f.site == "" {
		return nil
	}
	return []string{"Sec-Fetch-Site: " + f.site, "Sec-Fetch-Mode: " + f.mode, "Sec-Fetch-Dest: " + f.dest}
}

var (
	foreignForm = fetch{"POST", "cross-site", "navigate", "document"}
	foreignLink = fetch{"GET", "cross-site", "navigate", "document"}

	// withheldLax are those that come without a cookie which is SameSite=Lax, though the browser may have one.
	withheldLax = []fetch{
		foreignForm, {"PUT", "cross-site", "cors", "empty"}, {"DELETE", "cross-site", "no-cors", "empty"}, {"GET", "cross-site", "cors", "empty"},
		{"GET", "cross-site", "no-cors", "image"}, {"HEAD", "cross-site", "no-cors", "empty"}, {"GET", "cross-site", "navigate", "iframe"},
	}
)

func crossSiteCases() []Case {
	strict := session.Config{Cookie: session.Cookie{SameSite: session.SameSiteStrict}}
	none := session.Config{Cookie: session.Cookie{SameSite: session.SameSiteNone}}
	return []Case{
		{Name: "cross-site/withheld", Why: "A request of another site from which the browser withholds the cookie stores no value and gets no cookie, as that would replace the one of a session that the browser has; the handler's answer is sent.", run: func(e *env) {
			for _, c := range []struct {
				config session.Config
				of     []fetch
			}{{session.Config{}, withheldLax}, {strict, append([]fetch{foreignLink}, withheldLax...)}} {
				e.site(c.config)
				for _, f := range c.of {
					a := e.do(f.method, "/set?note=lost", f.header()...)
					body := "set"
					if f.method == "HEAD" {
						body = ""
					}
					e.answered("a value, by "+f.method+" "+f.mode+" "+f.dest, a, 200, body)
					e.silent("a value, by "+f.method+" "+f.mode+" "+f.dest, a)
				}
				e.rows("values of requests of another site", 0)
			}
		}},
		{Name: "cross-site/login", Why: "A login in a request of another site is stored, and its token is sent.", run: func(e *env) {
			for _, c := range []session.Config{{}, strict} {
				e.site(c)
				b := e.browser()
				a := b.do("POST", "/login?user=alice", foreignForm.header()...)
				e.answered("a login", a, 200, "login")
				e.once("a login", a)
				b.want("/get", "user=alice note=")
			}
		}},
		{Name: "cross-site/sent", Why: "A request is one like any other if it brings a token, or if the browser would have sent the cookie: from the same site, by the user, by a link of another site, with SameSite=None, and with Config.Header.", run: func(e *env) {
			for _, c := range []struct {
				config session.Config
				of     []fetch
			}{
				{session.Config{}, []fetch{{method: "POST"}, {"POST", "same-origin", "cors", "empty"}, {"POST", "same-site", "navigate", "document"}, {"GET", "none", "navigate", "document"}, foreignLink}},
				{strict, []fetch{{"POST", "same-origin", "cors", "empty"}, {"GET", "none", "navigate", "document"}}},
				{none, withheldLax},
				{session.Config{Header: "Session-Token"}, withheldLax},
			} {
				e.site(c.config)
				for i, f := range c.of {
					what := "a value, by " + f.method + " " + f.site + " " + f.mode + " " + f.dest
					a := e.do(f.method, "/set?note=kept", f.header()...)
					e.once(what, a)
					e.rows(what, i+1)
				}
				b := e.user("alice")
				e.silent("a value in a session", b.do("POST", "/set?note=kept", foreignForm.header()...))
				b.want("/get", "user=alice note=kept")
			}
		}},
	}
}
