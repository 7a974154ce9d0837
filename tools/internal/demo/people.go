package demo

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// A crowd is the made-up people of a demo, and where and how they go about.
type crowd struct {
	people int
	cities []city
	agents []agent
	bots   []agent
}

func newCrowd(sessions int) *crowd {
	return &crowd{people: max(60, sessions/5), cities: atlas(), agents: agents(), bots: bots()}
}

// A visit is what is made up of a session, before it is one.
type visit struct {
	user     string // "": anonymous
	remember bool
	keep     time.Duration // both timeouts of an anonymous visitor; 0: those of the policy
	client   session.Client
	began    time.Time
	login    time.Time
	seen     time.Time
	cart     []Item
	theme    string
	visits   int
}

const (
	day      = 24 * time.Hour
	cartKept = 7 * day
)

// ownSessions are those that the demo's own users get, in a database that has none.
func ownSessions() []string {
	return strings.Fields("alice alice alice alice bob bob bob carol carol olga olga")
}

// visit makes up the i-th session. It is always the same, but for the time that it is now.
func (c *crowd) visit(i int, user string, now time.Time) visit {
	rng := rand.New(rand.NewPCG(1, uint64(i)))
	v := visit{user: user, theme: themes[0], visits: 1 + rng.IntN(30)}
	home := pick(rng, c.cities)
	switch {
	case user != "":
		v.client, v.remember = pick(rng, c.agents).client(rng), true
	case rng.IntN(100) < 20:
		v.client = pick(rng, c.agents).client(rng)
		if rng.IntN(100) < 60 {
			v.keep = cartKept
		} else if rng.IntN(100) < 40 {
			v.client = pick(rng, c.bots).client(rng)
		}
	default:
		n := int(float64(c.people) * math.Pow(rng.Float64(), 1.4)) // some are here more often than others
		v.user, v.remember = name(n), rng.IntN(100) < 65
		person := rand.New(rand.NewPCG(3, uint64(n))) // has a home, and two devices
		home = pick(person, c.cities)
		v.client = pick(person, c.agents).client(person)
		if other := pick(person, c.agents).client(person); rng.IntN(3) == 0 {
			v.client = other
		}
		if rng.IntN(12) == 0 {
			home = pick(rng, c.cities) // away
		}
	}
	v.client.IP = home.address(rng)
	v.times(rng, now, home)
	v.values(rng)
	return v
}

// times makes up when the session began, and when it was used last: a remembered one lasts for days, another one ends
// when its user goes away, but for some that are here now.
func (v *visit) times(rng *rand.Rand, now time.Time, home *city) {
	lasting := v.remember || v.keep > 0
	online := rng.IntN(100) < 25
	switch {
	case lasting:
		v.began = moment(rng, now, 6*day, home.long)
	case online:
		v.began = now.Add(-time.Duration(rng.Float64() * float64(5*time.Hour)))
	default:
		v.began = moment(rng, now, 2*day, home.long)
	}
	since := now.Sub(v.began)
	switch {
	case online:
		v.seen = now.Add(-time.Duration(rng.Float64() * float64(min(since, 25*time.Minute))))
	case lasting:
		v.seen = v.began.Add(time.Duration(rng.Float64() * float64(since)))
	default:
		v.seen = v.began.Add(min(since, time.Duration(rng.ExpFloat64()*float64(12*time.Minute))))
	}
	v.login = v.began
	if wait := time.Duration(rng.IntN(300)) * time.Second; rng.IntN(3) == 0 && v.began.Add(wait).Before(v.seen) {
		v.login = v.began.Add(wait) // put something into the cart first
	}
}

// values makes up what is in the session. Who is remembered without a name is so for the cart.
func (v *visit) values(rng *rand.Rand) {
	if rng.IntN(100) < 20 {
		v.theme = themes[1]
	}
	if v.keep == 0 && rng.IntN(100) < 60 {
		return
	}
	for _, i := range rng.Perm(len(goods))[:1+rng.IntN(len(goods))] {
		v.cart = append(v.cart, Item{goods[i], 1 + rng.IntN(4)})
	}
}

// moment returns a time in the span before now. More people are awake by day, and of the latest days more sessions are left.
func moment(rng *rand.Rand, now time.Time, span time.Duration, longitude float64) (t time.Time) {
	const awake = "210001245667777666788864" // in tenths, by the hour
	for range 20 {
		t = now.Add(-time.Duration(math.Pow(rng.Float64(), 1.3) * float64(span)))
		hour := t.Add(time.Duration(longitude / 15 * float64(time.Hour))).UTC().Hour()
		if rng.IntN(9) < int(awake[hour]-'0') {
			break
		}
	}
	return t
}

// address is one of the city, or now and then one that no database knows.
func (c *city) address(rng *rand.Rand) netip.Addr {
	network := c.v4
	switch p := rng.IntN(100); {
	case p < 2:
		network = unknown()
	case p < 35:
		b := c.v6.Addr().As16()
		b[6], b[7] = byte(rng.IntN(256)), byte(rng.IntN(256))
		for i := 8; i < 16; i++ {
			b[i] = byte(rng.IntN(256))
		}
		return netip.AddrFrom16(b)
	}
	b := network.Addr().As4()
	b[3] += byte(1 + rng.IntN(14))
	return netip.AddrFrom4(b)
}

// name is the n-th user's. No two are the same.
func name(n int) string {
	given := strings.Fields("mia noah emma liam lena paul sofia jonas clara felix nora elias ida oskar lucia mateo " +
		"amira omar leila reza yuki haruto minji arjun priya kofi amina thandi joao ines zofia jakub olena taras " +
		"chloe lucas aylin emre maeve finn")
	family := strings.Fields("weber schmidt fischer wagner meyer huber keller moser devries jansen martin bernard garcia " +
		"lopez rossi ferrari silva santos nowak kowalski andersson lindberg smith jones taylor brown kovalenko yilmaz " +
		"ahmadi karimi mwangi dlamini sharma patel kim tanaka sato nguyen wilson tremblay")
	turn, k := n/(len(given)*len(family)), n%(len(given)*len(family))
	s := given[k%len(given)] + "." + family[(k+k/len(given))%len(family)]
	if turn > 0 {
		s += strconv.Itoa(turn + 1)
	}
	return s
}

type weighted interface{ share() int }

func (c *city) share() int  { return c.weight }
func (a *agent) share() int { return a.weight }

// pick draws one of all, by their weights.
func pick[T any, P interface {
	*T
	weighted
}](rng *rand.Rand, all []T) P {
	total := 0
	for i := range all {
		total += P(&all[i]).share()
	}
	n := rng.IntN(total)
	for i := range all {
		if n -= P(&all[i]).share(); n < 0 {
			return &all[i]
		}
	}
	panic("unreachable: n was less than the total")
}
