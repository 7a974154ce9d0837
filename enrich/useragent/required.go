package useragent

import (
	"regexp/syntax"
	"slices"
	"strings"
)

// Bounds of what is derived from one expression. Beyond them less is known, which costs time and never a match.
const (
	maxExact = 24 // texts that a part of it can match
	minAtom  = 2  // bytes of an atom: shorter ones are everywhere
)

// anywhere says that it is not known where in a text something can begin.
const anywhere = -1

// An atom is a short text in lower case that begins within the first so many characters of another one, or anywhere.
type atom struct {
	text   string
	within int
}

// A need says what a text contains if an expression matches it: one atom at least of each of all. If exact is not nil, the
// expression matches nothing but these texts, and all is empty.
type need struct {
	exact []string
	all   [][]atom
}

// required returns what a text contains, as [fold] writes it, if re matches it.
func required(re *syntax.Regexp) [][]atom {
	from := anywhere
	if re.Op == syntax.OpConcat && re.Sub[0].Op == syntax.OpBeginText {
		from = 0
	}
	return needOf(re, from).settled(from).all
}

// needOf returns the need of a part of an expression that begins at the character from of a text at the latest.
func needOf(re *syntax.Regexp, from int) need {
	switch re.Op {
	case syntax.OpLiteral:
		if s := fold(string(re.Rune)); ascii(s) {
			return need{exact: []string{s}}
		}
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return need{exact: []string{""}}
	case syntax.OpCharClass:
		return class(re.Rune)
	case syntax.OpCapture:
		return needOf(re.Sub[0], from)
	case syntax.OpConcat:
		return concat(re.Sub, from)
	case syntax.OpAlternate:
		return alternate(re.Sub, from)
	case syntax.OpQuest:
		if n := needOf(re.Sub[0], from); n.exact != nil && len(n.exact) < maxExact {
			return need{exact: union(n.exact, []string{""})}
		}
	case syntax.OpPlus:
		return needOf(re.Sub[0], from).settled(from)
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needOf(re.Sub[0], from).settled(from)
		}
	}
	return need{}
}

// class returns the characters of a small class.
func class(ranges []rune) need {
	var exact []string
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i+1]-ranges[i] >= maxExact {
			return need{}
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			s := fold(string(r))
			if exact = union(exact, []string{s}); !ascii(s) || len(exact) > 4 {
				return need{}
			}
		}
	}
	return need{exact: exact}
}

func concat(subs []*syntax.Regexp, from int) need {
	var all [][]atom
	run, start := []string{""}, from // what the parts since the last inexact one match, and where they begin
	whole := true
	for _, sub := range subs {
		n := needOf(sub, from)
		if n.exact != nil && len(n.exact)*len(run) <= maxExact {
			run = product(run, n.exact)
			from = after(from, sub)
			continue
		}
		whole = false
		all = append(all, need{exact: run}.settled(start).all...)
		if n.exact != nil {
			run, start = n.exact, from
			from = after(from, sub)
			continue
		}
		all = append(all, n.all...)
		from = after(from, sub)
		run, start = []string{""}, from
	}
	if whole {
		return need{exact: run}
	}
	return need{all: append(all, need{exact: run}.settled(start).all...)}
}

func alternate(subs []*syntax.Regexp, from int) need {
	var exact []string
	var atoms []atom
	allExact, some := true, true
	for _, sub := range subs {
		n := needOf(sub, from)
		exact = union(exact, n.exact)
		allExact = allExact && n.exact != nil && len(exact) <= maxExact
		if all := n.settled(from).all; len(all) > 0 {
			atoms = union(atoms, slices.MaxFunc(all, rarer))
		} else {
			some = false
		}
	}
	switch {
	case allExact:
		return need{exact: exact}
	case some:
		return need{all: [][]atom{atoms}}
	}
	return need{}
}

// rarer compares two sets by how seldom a text has one of their atoms: by the shortest of them.
func rarer(a, b []atom) int {
	shortest := func(set []atom) int {
		n := len(set[0].text)
		for _, atom := range set {
			n = min(n, len(atom.text))
		}
		return n
	}
	return shortest(a) - shortest(b)
}

// settled gives up exact for all.
func (n need) settled(from int) need {
	if n.exact == nil {
		return n
	}
	var atoms []atom
	for _, s := range n.exact {
		if len(s) < minAtom {
			return need{}
		}
		atoms = append(atoms, atom{s, from})
	}
	return need{all: [][]atom{atoms}}
}

// after returns where what follows re begins at the latest, if re begins at from.
func after(from int, re *syntax.Regexp) int {
	if n := longest(re); from != anywhere && n >= 0 {
		return from + n
	}
	return anywhere
}

// longest returns how many characters re matches at most, or a negative number if there is no limit.
func longest(re *syntax.Regexp) int {
	n := 0
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpStar, syntax.OpPlus:
		return -1
	case syntax.OpRepeat:
		if n = longest(re.Sub[0]); n < 0 || re.Max < 0 {
			return -1
		}
		return n * re.Max
	}
	for _, sub := range re.Sub {
		length := longest(sub)
		switch {
		case length < 0:
			return -1
		case re.Op == syntax.OpAlternate:
			n = max(n, length)
		default:
			n += length
		}
	}
	return n
}

func product(a, b []string) (c []string) {
	for _, x := range a {
		for _, y := range b {
			c = union(c, []string{x + y})
		}
	}
	return c
}

func union[T comparable](a, b []T) []T {
	c := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(c, s) {
			c = append(c, s)
		}
	}
	return c
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' })
}

// fold writes s in lower case where an expression that ignores case may: the ASCII letters, and the two characters beyond
// ASCII that are the same as one of them. It keeps the number of characters.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + ('a' - 'A')
		case r == '\u017f':
			return 's'
		case r == '\u212a':
			return 'k'
		}
		return r
	}, s)
}
