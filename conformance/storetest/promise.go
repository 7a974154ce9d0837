package storetest

import "github.com/qsessions/qsessions/core/store"

func promiseCases() []Case {
	return []Case{
		{Name: "promise/indexed", Why: "A store implements Indexed exactly if it can find records by what is in them.", run: func(e *env) {
			if got := e.x != nil; got != e.c.Indexed {
				e.Fatalf("%T implements store.Indexed: %t, but Config.Indexed is %t", e.s, got, e.c.Indexed)
			}
		}},
		{Name: "promise/cached", Why: "A store implements Cached exactly if it may answer Load from a copy.", run: func(e *env) {
			if _, got := e.s.(store.Cached); got != e.c.Cached {
				e.Fatalf("%T implements store.Cached: %t, but Config.Cached is %t", e.s, got, e.c.Cached)
			}
			if got := e.f.Behind != nil; got != e.c.Cached {
				e.Fatalf("there is a Fixture.Behind: %t, but Config.Cached is %t", got, e.c.Cached)
			}
		}},
		{Name: "promise/keeper", Why: "A store implements Keeper exactly if it keeps the keys of its deployment.", run: func(e *env) {
			if got := e.keeper != nil; got != e.c.Keeper {
				e.Fatalf("%T implements store.Keeper: %t, but Config.Keeper is %t", e.s, got, e.c.Keeper)
			}
		}},
		{Name: "promise/users", Why: "ErrNoUser says that the store refers to a table of users, and that the user is not in it.", run: func(e *env) {
			if got := e.f.User != nil && e.f.Nobody != ""; got != e.c.Users {
				e.Fatalf("there are a Fixture.User and a Fixture.Nobody: %t, but Config.Users is %t", got, e.c.Users)
			}
		}},
	}
}
