package cachetest

func promiseCases() []Case {
	return []Case{
		{Name: "promise/shared", Why: "A cache has a second client exactly if several processes can use it.", run: func(e *env) {
			e.promise("Fixture.Second", e.f.Second != nil, "Shared", e.config.Shared)
		}},
		{Name: "promise/namespaces", Why: "There is another cache on the same server exactly if it can hold several.", run: func(e *env) {
			e.promise("Fixture.Other", e.f.Other != nil, "Namespaces", e.config.Namespaces)
		}},
		{Name: "promise/restarts", Why: "A test can restart the cache exactly if it may lose everything at once and go on.", run: func(e *env) {
			e.promise("Fixture.Restart", e.f.Restart != nil, "Restarts", e.config.Restarts)
		}},
	}
}

func (e *env) promise(what string, kept bool, field string, made bool) {
	if kept != made {
		e.Fatalf("there is a %s: %t, but Config.%s is %t", what, kept, field, made)
	}
}

func getCases() []Case {
	return []Case{
		{Name: "get/miss", Why: "Get returns nil where there is no copy; on an empty slot the ticket is a lease.", run: func(e *env) {
			e.lease(e.id())
		}},
		{Name: "get/leased", Why: "Where another Get has put a lease that has not ended, copy is nil and the ticket is zero.", run: func(e *env) {
			id := e.id()
			e.lease(id)
			e.leased(id)
			e.leased(id)
		}},
		{Name: "get/hit", Why: "Get returns the copy of id, and a ticket for what it found in the slot.", run: func(e *env) {
			a, b := e.id(), e.id()
			e.fill(a, "copy of a")
			e.fill(b, "copy of b")
			e.full(a, "copy of a")
			e.full(b, "copy of b")
		}},
		{Name: "get/happens-not", Why: "Put stores copy if nothing at all has happened to the slot since Get gave t, and other Gets are nothing.", run: func(e *env) {
			id := e.id()
			lease := e.lease(id)
			e.get(e.c, id)
			e.get(e.clients[len(e.clients)-1], id)
			e.put(id, lease, "filled")
			_, first := e.get(e.c, id)
			_, last := e.get(e.clients[len(e.clients)-1], id)
			e.put(id, first, "replaced")
			e.refused("with a ticket of a copy that was replaced", id, last)
			if b, _ := e.get(e.c, id); string(b) != "replaced" {
				e.Fatalf("got %.40q, want the copy that replaced the first", b)
			}
		}},
	}
}
