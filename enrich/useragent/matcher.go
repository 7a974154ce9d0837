package useragent

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"github.com/ua-parser/uap-go/uaparser"
)

// A matcher finds what a library finds: the first of its expressions that matches. It leaves out those that cannot match
// because the text lacks what they need. Of some 1,200 expressions that leaves about ten, and a few dozen for a text that
// was made to take long. It is immutable.
type matcher struct {
	atoms    atoms
	browsers []pattern[uaparser.UserAgent]
	systems  []pattern[uaparser.Os]
	devices  []pattern[uaparser.Device]
}

// newMatcher returns the matcher of a library whose expressions are compiled.
func newMatcher(library *uaparser.Parser) *matcher {
	m := &matcher{atoms: atoms{index: map[string]int{}}}
	for _, p := range library.UA {
		m.browsers = append(m.browsers, newPattern(&m.atoms, p.Reg, []string{p.FamilyReplacement, p.V1Replacement, p.V2Replacement, p.V3Replacement}, func(re *regexp.Regexp, text string) (u uaparser.UserAgent, ok bool) {
			q := *p
			q.Reg = re
			q.Match(text, &u)
			return u, u.Family != ""
		}))
	}
	for _, p := range library.OS {
		m.systems = append(m.systems, newPattern(&m.atoms, p.Reg, []string{p.OSReplacement, p.V1Replacement, p.V2Replacement, p.V3Replacement, p.V4Replacement}, func(re *regexp.Regexp, text string) (o uaparser.Os, ok bool) {
			q := *p
			q.Reg = re
			q.Match(text, &o)
			return o, o.Family != ""
		}))
	}
	for _, p := range library.Device {
		m.devices = append(m.devices, newPattern(&m.atoms, p.Reg, []string{p.DeviceReplacement, p.BrandReplacement, p.ModelReplacement}, func(re *regexp.Regexp, text string) (d uaparser.Device, ok bool) {
			q := *p
			q.Reg = re
			q.Match(text, &d)
			return d, d.Family != ""
		}))
	}
	m.atoms.finish()
	return m
}

// A pattern is one expression.
type pattern[T any] struct {
	re       *regexp.Regexp
	needs    needs
	branches []branch // instead of re, if it has been split
	match    func(re *regexp.Regexp, text string) (found T, ok bool)
}

// newPattern returns the pattern of re, whose groups are used in the templates.
func newPattern[T any](a *atoms, re *regexp.Regexp, templates []string, match func(*regexp.Regexp, string) (T, bool)) pattern[T] {
	tree, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil { // re was compiled from it
		panic(err)
	}
	groups := strings.Contains(strings.Join(templates, ""), "$")
	return pattern[T]{re, a.needs(tree), split(a, tree, groups), match}
}

// first returns what the first pattern that matches finds in text, and how many expressions were tried. The zero T says
// that none matches. A match without a name counts as none, as in the library.
func first[T any](patterns []pattern[T], text string, has positions) (found T, tried int) {
	for i := range patterns {
		p := &patterns[i]
		if !p.needs.met(has) {
			continue
		}
		re := p.re
		if p.branches == nil {
			tried++
		} else if re = earliest(p.branches, text, has, &tried); re == nil {
			continue
		}
		if found, ok := p.match(re, text); ok {
			return found, tried
		}
	}
	return found, tried
}

// needs are sets of atoms, of each of which a text that an expression matches has one.
type needs [][]knownAtom

// A known atom has an index instead of a text.
type knownAtom struct{ index, within int }

// met reports whether a text has what is needed, by where it has atoms first.
func (n needs) met(has positions) bool {
sets:
	for _, set := range n {
		for _, atom := range set {
			if at := int(has[atom.index]); at != absent && (at <= atom.within || atom.within == anywhere) {
				continue sets
			}
		}
		return false
	}
	return true
}

// positions says at which character of a text each atom is first, by their indexes, or absent.
type positions []int16

const absent = -1

// atoms finds all of many short texts in a long one.
type atoms struct {
	texts  []string         // each once
	index  map[string]int   // of texts, while they are collected
	starts map[string][]int // the texts that begin with these minAtom bytes
}

// needs returns what an expression needs.
func (a *atoms) needs(tree *syntax.Regexp) (n needs) {
	for _, set := range required(tree) {
		var atoms []knownAtom
		for _, s := range set {
			i, known := a.index[s.text]
			if !known {
				i = len(a.texts)
				a.index[s.text] = i
				a.texts = append(a.texts, s.text)
			}
			atoms = append(atoms, knownAtom{i, s.within})
		}
		n = append(n, atoms)
	}
	return n
}

func (a *atoms) finish() {
	a.index, a.starts = nil, map[string][]int{}
	for i, s := range a.texts {
		a.starts[s[:minAtom]] = append(a.starts[s[:minAtom]], i)
	}
}

// in looks for all atoms in a text of at most maxUserAgent bytes.
func (a *atoms) in(text string) positions {
	has := make(positions, len(a.texts))
	for i := range has {
		has[i] = absent
	}
	text = fold(text)
	character := int16(-1)
	for i := range len(text) - (minAtom - 1) {
		if utf8.RuneStart(text[i]) {
			character++
		}
		for _, atom := range a.starts[text[i:i+minAtom]] {
			if s := a.texts[atom]; has[atom] == absent && len(s) <= len(text)-i && text[i:i+len(s)] == s {
				has[atom] = character
			}
		}
	}
	return has
}
