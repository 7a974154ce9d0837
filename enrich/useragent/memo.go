package useragent

import "sync"

// memoSize is how many results a generation of a memo has.
const memoSize = 1024

// A memo remembers the results for the latest 1,024 to 2,048 texts, also that there is none. It is safe for concurrent use.
type memo[V any] struct {
	mu         sync.Mutex
	young, old map[string]V // old is dropped when young is full
}

// of returns the result for text, by f if it is not remembered. text is kept. f can be called for one text by several
// goroutines at once.
func (m *memo[V]) of(text string, f func(string) V) V {
	m.mu.Lock()
	v, known := m.young[text]
	if !known {
		if v, known = m.old[text]; known {
			m.keep(text, v)
		}
	}
	m.mu.Unlock()
	if known {
		return v
	}
	v = f(text)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keep(text, v)
	return v
}

// keep must be called with mu held.
func (m *memo[V]) keep(text string, v V) {
	if len(m.young) >= memoSize {
		m.young, m.old = nil, m.young
	}
	if m.young == nil {
		m.young = map[string]V{}
	}
	m.young[text] = v
}
