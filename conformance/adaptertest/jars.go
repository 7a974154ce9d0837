package adaptertest

import (
	"maps"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

func jarCases() []Case {
	return []Case{
		{Name: "jars/other", Why: "Where Partitioned was turned on or off a browser shows two cookies of the name, one of each jar: the response takes back the other jar's, and hands out the live token anew.", run: func(e *env) {
			e.eachJar(func(c session.Config, today bool) {
				e.site(c)
				live, dead := e.user("alice"), e.foreign()
				earlier := e.holder(func(s session.Session) { s.Login("alice", session.AuthenticatedAt(time.Now().Add(-time.Minute))) })
				for what, other := range map[string]*browser{"a dead one": dead, "an earlier login": earlier} {
					j := jars{split: true, held: map[bool]string{today: live.token, !today: other.token}}
					for _, header := range []string{line(other, live), line(live, other)} {
						a := e.do("GET", "/get", header)
						e.answered(what+" in the other jar", a, 200, "user=alice note=")
						after := j.after(a)
						if want := (map[bool]string{today: live.token}); !maps.Equal(after.held, want) {
							e.Fatalf("%s in the other jar: Set-Cookie is %q, and leaves %v, want the live token in one jar alone", what, masked(a.header["Set-Cookie"]), after)
						}
					}
				}
			})
		}},
		{Name: "jars/login", Why: "A login whose browser has a cookie leaves one cookie with the new token, in a browser with two jars, and in one that does not know Partitioned.", run: func(e *env) {
			e.eachJar(func(c session.Config, today bool) {
				if !today {
					return // one cookie says nothing of another jar
				}
				e.site(c)
				for _, split := range []bool{true, false} {
					visitor := e.holder(set("kept"))
					j := jars{split: split, held: map[bool]string{false: visitor.token}}
					a := e.do("GET", "/login?user=alice", visitor.line())
					if visitor.take(a); visitor.token == "" {
						e.Fatalf("a login: Set-Cookie is %q, and its last line takes the token back", masked(a.header["Set-Cookie"]))
					}
					after := j.after(a)
					if want := (map[bool]string{split: visitor.token}); !maps.Equal(after.held, want) {
						e.Fatalf("a login, two jars %t: Set-Cookie is %q, and leaves %v, want the new token alone", split, masked(a.header["Set-Cookie"]), after)
					}
					visitor.want("/get", "user=alice note=kept")
				}
			})
		}},
		{Name: "jars/logout", Why: "A logout takes back the cookies of both jars.", run: func(e *env) {
			e.eachJar(func(c session.Config, today bool) {
				for _, split := range []bool{true, false} {
					e.site(c)
					live, dead := e.user("alice"), e.foreign()
					j := jars{split: split, held: map[bool]string{split && today: live.token}}
					header := live.line()
					if split {
						j.held[!today] = dead.token
						header = line(dead, live)
					}
					a := e.do("GET", "/logout", header)
					e.answered("a logout", a, 200, "logout")
					if after := j.after(a); len(after.held) != 0 {
						e.Fatalf("a logout, two jars %t: Set-Cookie is %q, and leaves %v, want no token", split, masked(a.header["Set-Cookie"]), after)
					}
					e.rows("after the logout", 0)
				}
			})
		}},
	}
}

// eachJar calls f with configurations of a cookie that is partitioned today, or is not any more.
func (e *env) eachJar(f func(c session.Config, today bool)) {
	for _, today := range []bool{true, false} {
		f(session.Config{Cookie: session.Cookie{SameSite: session.SameSiteNone, Partitioned: today}}, today)
	}
}

// jars are the places in which a browser keeps the cookies of one name: with split, one for partitioned ones beside the
// other.
type jars struct {
	split bool
	held  map[bool]string // tokens, by whether the cookie is partitioned
}

// after returns what the lines of a leave, in their order.
func (j jars) after(a *answer) jars {
	j.held = maps.Clone(j.held)
	for _, line := range a.header["Set-Cookie"] {
		_, value, _ := strings.Cut(line, "=")
		token, attributes, _ := strings.Cut(value, ";")
		place := j.split && strings.Contains(attributes, "; Partitioned")
		if token == "" || strings.Contains(attributes, "Max-Age=0") {
			delete(j.held, place)
		} else {
			j.held[place] = token
		}
	}
	return j
}

// String names the jars that hold a token, and no token.
func (j jars) String() string {
	var names []string
	for place := range j.held {
		names = append(names, map[bool]string{true: "a partitioned cookie", false: "a cookie"}[place])
	}
	return "[" + strings.Join(names, ", ") + "]"
}
