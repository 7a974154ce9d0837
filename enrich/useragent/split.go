package useragent

import (
	"regexp"
	"regexp/syntax"
)

// minBranches is how many alternatives an expression begins with if it is split.
const minBranches = 8

// A branch is one of the alternatives at the front of an expression, with all that follows them.
type branch struct {
	re    *regexp.Regexp
	needs needs
}

// split takes an expression apart that begins with many alternatives, the names of bots as a rule. Where a text contains one
// of them, package regexp tries all of them at every character; a branch, which begins with a name, is tried where that is.
// It returns nil for any other expression. groups says whether it matters what the groups of the expression match.
func split(a *atoms, tree *syntax.Regexp, groups bool) (branches []branch) {
	parts := []*syntax.Regexp{tree}
	if tree.Op == syntax.OpConcat {
		parts = tree.Sub
	}
	at := 0
	for at < len(parts)-1 && parts[at].Op == syntax.OpWordBoundary {
		at++
	}
	names, group := parts[at], (*syntax.Regexp)(nil)
	if names.Op == syntax.OpCapture {
		names, group = names.Sub[0], names
	}
	if names.Op != syntax.OpAlternate || len(names.Sub) < minBranches || groups && names.MaxCap() > 0 { // a branch must keep all of them
		return nil
	}
	for _, name := range names.Sub {
		if group != nil {
			c := *group
			c.Sub = []*syntax.Regexp{name}
			name = &c
		}
		whole := &syntax.Regexp{Op: syntax.OpConcat, Flags: tree.Flags}
		whole.Sub = append(append(append(whole.Sub, parts[:at]...), name), parts[at+1:]...)
		branches = append(branches, branch{regexp.MustCompile(whole.String()), a.needs(whole)})
	}
	return branches
}

// earliest returns the branch by which the whole expression matches a text: the one that matches nearest to the text's
// beginning, and of several that do, the first. It returns nil if none matches, and counts those that were tried.
func earliest(branches []branch, text string, has positions, tried *int) (re *regexp.Regexp) {
	at := len(text) + 1
	for i := range branches {
		b := &branches[i]
		if !b.needs.met(has) {
			continue
		}
		*tried++
		if found := b.re.FindStringIndex(text); found != nil && found[0] < at {
			re, at = b.re, found[0]
		}
	}
	return re
}
