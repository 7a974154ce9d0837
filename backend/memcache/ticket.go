package memcachestore

// A ticket is what a CAS id is good for: the id, and the count of connections before its slot was read. It has the low
// bits of both. The rest is what makes it the closest to the values of now, so that a ticket must be used before
// sixteen million connections are opened to the server, and before it has changed 500 thousand million items.
const (
	casBits  = 40
	casMask  = 1<<casBits - 1
	dialMask = 1<<(64-casBits) - 1
)

// ticket returns the ticket of a CAS id, or zero for no id, which is what a server without CAS ids gives.
func ticket(cas, dials uint64) uint64 {
	if cas == 0 {
		return 0
	}
	return dials<<casBits | cas&casMask
}

// redeem is the inverse of ticket.
func (s *server) redeem(ticket uint64) (cas, dials uint64) {
	s.mu.Lock()
	dials = s.dials
	s.mu.Unlock()
	dials -= min(dials, (dials-ticket>>casBits)&dialMask)

	last := s.lastCAS.Load()
	cas = last&^casMask | ticket&casMask
	switch {
	case cas > last && cas-last > casMask/2 && cas > casMask:
		cas -= casMask + 1
	case cas < last && last-cas > casMask/2:
		cas += casMask + 1
	}
	return cas, dials
}
