// Package search explores the states of a model, shorter ways first.
//
// A model fills a [Moves] with the states that can follow a state. [Check] walks them breadth first and stops at the
// first broken invariant, so that the trace it returns is a shortest one.
package search

import "fmt"

// An Invariant is a promise of a protocol. The empty one stands for none.
type Invariant string

// Moves collects the states that can follow a state.
type Moves[S any] struct {
	Next   []S
	Broken []Invariant // for each of Next: the invariant that the step broke
	Texts  []string    // for each of Next, if Named
	Named  bool        // steps are described: a trace is being written
}

// Steps returns m: what embeds a Moves can be a [Model].
func (m *Moves[S]) Steps() *Moves[S] { return m }

// reset forgets the states of the previous step.
func (m *Moves[S]) reset() {
	m.Next, m.Broken, m.Texts = m.Next[:0], m.Broken[:0], m.Texts[:0]
}

// Branch adds a copy of s. The caller changes it before the next call of Branch, which may move it.
func (m *Moves[S]) Branch(s *S, text string) *S {
	m.Next = append(m.Next, *s)
	m.Broken = append(m.Broken, "")
	if m.Named {
		m.Texts = append(m.Texts, text)
	}
	return &m.Next[len(m.Next)-1]
}

// Say adds to the text of the latest branch.
func (m *Moves[S]) Say(text string) {
	if m.Named {
		m.Texts[len(m.Texts)-1] += text
	}
}

// Sayf is Say with a format.
func (m *Moves[S]) Sayf(format string, a ...any) {
	if m.Named {
		m.Say(fmt.Sprintf(format, a...))
	}
}

// Breaks notes that the step to the latest branch breaks an invariant.
func (m *Moves[S]) Breaks(i Invariant) { m.Broken[len(m.Broken)-1] = i }
