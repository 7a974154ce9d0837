package interleave

import (
	"errors"
	"fmt"
	"runtime"
	"testing/synctest"
	"time"
)

var (
	errFault = errors.New("interleave: fault")
	errDied  = errors.New("interleave: the process has died")
)

// A scheduler lets one operation run at a time, from one step to the next. It lives for one schedule.
type scheduler struct {
	c       *Config
	ops     []*operation
	running *operation    // nil: commands are carried out at once
	stopped chan struct{} // the running operation has stopped
	seq     int           // of the transition
	budget  int           // faults that are left
	lateCmd command       // what has failed and comes late; its effect is nil if there is none
	looked  bool
	trace   []string // if traced
	traced  bool

	cacheDown bool // for commands that are carried out at once

	occupied func() bool // whether there is anything in slot S
	evict    func() footprint
	restart  func() footprint
	look     func()
}

// do carries out a command of the running operation, when the scheduler says so.
func (s *scheduler) do(cmd command) error {
	o := s.running
	if o == nil {
		if s.cacheDown && cmd.cache {
			return errFault
		}
		cmd.effect()
		return nil
	}
	if o.dead { // what its requests still do is not done
		return errDied
	}
	if o.order == none {
		o.next = cmd
		s.stopped <- struct{}{}
		o.order = <-o.granted
	}
	given := o.order
	o.order = none
	if given == quit {
		o.dead = true
		runtime.Goexit()
	}
	if s.traced {
		s.trace = append(s.trace, fmt.Sprintf("%v: %s%s", o, cmd.name, orderNames[given]))
	}
	switch given {
	case die:
		o.dead, o.err = true, errDied
		runtime.Goexit()
	case proceed:
		o.foot.add(cmd.effect())
		return nil
	case slow:
		o.foot.add(cmd.effect())
		return s.do(command{name: "the reply comes", reply: true, effect: func() footprint { return footprint{} }})
	}
	if cmd.cache {
		o.cacheFault = true
	} else {
		o.dbFault = true
	}
	if given == late {
		s.lateCmd = cmd
	}
	return errFault
}

// options lists what can happen next, in an order of its own.
func (s *scheduler) options(to []transition) []transition {
	busy, all := false, true
	for i, o := range s.ops {
		if o.done {
			continue
		}
		all = false
		busy = busy || o.started
		to = append(to, transition{i, proceed})
		switch {
		case s.budget == 0:
		case o.started:
			to = s.mishaps(to, i, o.next)
		case !o.kind.clock(): // else it begins before its first command
			to = s.mishaps(to, i, s.c.Cache.first())
		}
	}
	if s.lateCmd.effect != nil {
		to = append(to, transition{delay, land})
		if all && !s.looked {
			to = append(to, transition{delay, look})
		}
	}
	if busy && s.budget > 0 { // while nobody is at work they are only another state to begin with
		for _, e := range [...]struct {
			fault Faults
			order order
		}{{Evicts, evict}, {Restarts, restart}, {Jumps, jump}, {Pauses, pause}} {
			if s.c.Faults&e.fault != 0 && (e.order != evict || s.occupied()) {
				to = append(to, transition{world, e.order})
			}
		}
	}
	return to
}

// mishaps lists what can happen to a command of an operation.
func (s *scheduler) mishaps(to []transition, i int, cmd command) []transition {
	kind := DatabaseFails
	if cmd.cache {
		kind = CacheFails
	}
	if s.c.Faults&kind != 0 && !cmd.reply {
		to = append(to, transition{i, fail})
		if cmd.writes && s.lateCmd.effect == nil { // one at a time
			to = append(to, transition{i, late})
		}
	}
	if s.c.Faults&Crashes != 0 && s.ops[i].started {
		to = append(to, transition{i, die})
	}
	if s.c.Faults&Delays != 0 && !cmd.cache && !cmd.reply {
		to = append(to, transition{i, slow})
	}
	return to
}

// take makes one choice happen.
func (s *scheduler) take(t transition) footprint {
	s.seq++
	if t.actor >= world {
		return s.aside(t)
	}
	o := s.ops[t.actor]
	o.foot = footprint{actor: t.actor, fault: t.order != proceed}
	if o.foot.fault {
		s.budget--
	}
	s.running = o
	if o.started {
		o.granted <- t.order
	} else {
		s.begin(o, t.order)
	}
	<-s.stopped
	s.running = nil
	if o.done {
		o.foot.last, o.end, o.ended = true, s.seq, time.Now()
	}
	return o.foot
}

func (s *scheduler) begin(o *operation, first order) {
	time.Sleep(time.Millisecond) // no two operations begin at the same time
	o.started, o.start, o.began = true, s.seq, time.Now()
	o.foot.first, o.foot.clock = true, o.kind.clock()
	if !o.kind.clock() {
		o.order = first
	} else if s.traced {
		s.trace = append(s.trace, fmt.Sprintf("%v: begins", o))
	}
	go func() {
		defer func() {
			o.done = true
			s.stopped <- struct{}{}
		}()
		o.run()
	}()
}

func (s *scheduler) aside(t transition) footprint {
	f := footprint{actor: t.actor, fault: true} // what comes late makes room for another such fault
	if t.actor == world {
		s.budget--
	}
	if s.traced {
		s.trace = append(s.trace, orderNames[t.order])
	}
	switch t.order {
	case land:
		f.add(s.lateCmd.effect())
		s.lateCmd = command{}
	case look:
		f.barrier, s.looked = true, true
		s.look()
	case evict:
		f.add(s.evict())
	case restart:
		f.add(s.restart())
	case jump:
		f.barrier = true
		time.Sleep(Freshness + Skew + time.Second)
		synctest.Wait() // for what had a timer
	case pause:
		f.barrier = true
		time.Sleep(Skew + 2*time.Second)
		synctest.Wait()
	}
	return f
}

// abandon ends the operations where they are.
func (s *scheduler) abandon() {
	for _, o := range s.ops {
		if o.started && !o.done {
			s.running = o
			o.granted <- quit
			<-s.stopped
		}
	}
}
