package main

const intro = `# The contracts of stores, of caches and of adapters

<!-- Written by go run ./tools/contract from the cases of conformance/storetest, cachetest and adaptertest. Do not edit. -->

A store keeps the sessions of an application. Package core/store states the rules; each clause on this page is a test of
one of them in package conformance/storetest: %d clauses, of which %d are for indexed stores only. Two rules no test can
see, and a store must keep them all the same: what a server expires by itself goes no earlier than a minute after
ExpiresAt, and an error that matches no sentinel and is not the context's counts as ErrUnavailable.

The name of a clause is stable: a failure names it, and so does this page. A clause that is marked with a
condition is tested where the store promises to meet that condition; a promise that is not kept is a failure, and so is
a capability that was not promised. What a store does beyond these clauses is its own business.

A store has no clock: it keeps the times that it is given, and every test passes its times. One that does not note when
a record was removed goes by its ExpiresAt for both. One without a cache keeps no Tag and returns 0. The races below are
run many times, with the callers released at once. To certify a backend, call storetest.Run and storetest.Fuzz from
tests, with the race detector, on two processors or more, and against the real server:

` + "```go" + `
func TestContract(t *testing.T) { storetest.Run(t, config()) }
func FuzzContract(f *testing.F) { storetest.Fuzz(f, config()) }

func config() storetest.Config {
	return storetest.Config{
		Indexed: true,
		Keeper:  true, // it keeps keys: a cache can be put in front of it
		Open: func(ctx context.Context) (storetest.Fixture, error) {
			s, err := mystore.Open(ctx, freshDatabase())
			if err != nil {
				return storetest.Fixture{}, err
			}
			return storetest.Fixture{Store: s, Close: s.Close}, nil
		},
	}
}
` + "```" + `

storetest.Run tries each clause by itself, and what callers do at once. storetest.Fuzz compares random sequences of calls
with a model of the contract, and finds what only several clauses together bring about; every go test runs a dozen of
them. storetest.Bench measures.
`

// areas say what the clauses of an area are about.
var areas = map[string]string{
	"promise":    "A store is what its test says that it is.",
	"load":       "Load returns one record.",
	"create":     "Create inserts a record and never replaces one.",
	"save":       "Save replaces a record that nobody has saved or removed since it was read.",
	"touch":      "Touch notes a request that changed nothing.",
	"delete":     "Delete removes records for good.",
	"list":       "List finds records and yields them one by one.",
	"deleteuser": "DeleteUser removes the records of a user whose credentials were asked for before a cut-off.",
	"cutoff":     "Cutoff says which logins of a user come too late.",
	"sweep":      "Sweep forgets what nobody can use any more.",
	"cached":     "A store that may answer from a copy can be asked not to.",
	"keeper":     "Key keeps a random key of the deployment, which authenticates copies.",
	"values":     "What goes in comes out.",
	"errors":     "Errors tell what happened, not what is stored.",
	"ownership":  "The caller may do what it likes with its own memory.",
	"context":    "A context that is done ends the call.",
	"race":       "What holds for one caller holds for many at once.",
}

const cacheIntro = `
# The contract of caches

A cache keeps copies of records in front of a database, and may lose them at any time. Whether a copy is true is for its
reader to find out; what a cache must be right about is that Put stores nothing where something has happened since the
Get that gave the ticket. Each clause of this part is a test in package conformance/cachetest: %d clauses. An error that is
neither ErrConflict nor ErrTooLarge nor the context's means that the cache could not be asked, and that the outcome of Put
and Delete is unknown: that no Put is tried twice then, by nobody, no test can see.

Right after a restart Put may fail with any error, as long as nothing was stored. The tested cache needs room: one that
drops a copy in the middle of a test looks wrong. To certify a cache, call cachetest.Run from a test, with the race
detector, on two processors or more, and against the real server:

` + "```go" + `
func TestContract(t *testing.T) {
	cachetest.Run(t, cachetest.Config{
		Shared: true, // other processes can use the same cache
		Open: func(ctx context.Context) (cachetest.Fixture, error) {
			prefix := rand.Text() // each case wants an empty cache
			return cachetest.Fixture{Cache: newClient(ctx, prefix), Second: newClient(ctx, prefix)}, nil
		},
	})
}
` + "```" + `

Some clauses wait for what only time ends, forty seconds together; with -short they are left out.
`

// cacheAreas say what the clauses of an area are about.
var cacheAreas = map[string]string{
	"promise":   "A cache is what its test says that it is.",
	"get":       "Get returns what is in a slot, and a ticket for that.",
	"lease":     "A lease is the right to fill an empty slot, for a few seconds.",
	"put":       "Put stores a copy if nothing has happened to the slot since the Get.",
	"ticket":    "A ticket stands for one state of one slot.",
	"delete":    "Delete empties slots.",
	"ttl":       "Copies end by themselves.",
	"restart":   "A cache that has lost everything does not know its old tickets.",
	"values":    "What goes in comes out.",
	"ownership": "The caller may do what it likes with its own memory.",
	"errors":    "Errors tell what happened, not what is stored.",
	"context":   "A context that is done ends the call.",
	"race":      "What holds for one caller holds for many at once.",
}

const adapterIntro = `
# The contract of adapters

An adapter gives the handlers of a web framework their sessions: request in, effect out. Each clause of this part is a test
in package conformance/adaptertest, by real HTTP/1.1 messages: %d clauses. What they expect of Set-Cookie, Vary and
Cache-Control the suite has from package session itself, so that all adapters that pass send the same bytes. A clause
that is marked with a condition is left out, and reported as not covered, where the test of the adapter says that the
framework or the adapter lacks that.

To certify an adapter, write how it serves an adaptertest.App, and an adaptertest.Exchange over what handlers get, and
call adaptertest.Run from a test, with the race detector:

` + "```go" + `
func TestContract(t *testing.T) {
	adaptertest.Run(t, adaptertest.Config{
		Start: start,
		Lacks: adaptertest.EarlyHints | adaptertest.Hijack, // what the framework cannot do
	})
}
` + "```" + `

The example of package adaptertest has both in a page.
`

// adapterAreas say what the clauses of an area are about.
var adapterAreas = map[string]string{
	"promise":    "An adapter is what its test says that it is.",
	"anonymous":  "Who sets nothing costs nothing.",
	"token":      "A token opens one session, until it is replaced.",
	"cookie":     "The cookie carries the token.",
	"jars":       "A browser with two cookies of the name is left with one.",
	"header":     "A header carries the token instead.",
	"cross-site": "A request of another site costs the browser no session.",
	"response":   "However a handler answers, what it did is stored, and told, before.",
	"cache":      "No cache hands one client's response to another.",
	"commit":     "No client gets an answer for what was not stored.",
	"failure":    "What fails leaves nothing behind.",
	"ending":     "A request that fails still ends the access that it was told to end.",
	"outage":     "An outage is never a logout.",
	"late":       "What comes after the response began is saved if it can be, and never lost in silence.",
	"life":       "A session lives as long as its request.",
	"passive":    "A request that is no use of its session prolongs nothing.",
	"client":     "A session tells where it is used.",
	"parallel":   "What holds for one request holds for a hundred at once.",
	"revoke":     "What has ended stays ended.",
	"replaced":   "A token that was just replaced does no harm, and signs no user out.",
	"mount":      "Middleware may be mounted in every way.",
	"require":    "Routes may be for users alone.",
	"page":       "What cannot be served is answered by an error page.",
}
