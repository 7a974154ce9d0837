package geoip

import (
	"context"
	"slices"
	"strings"

	"github.com/oschwald/geoip2-golang/v2"
)

// A language is one in which the databases have names.
type language uint8

const (
	english language = iota
	german
	spanish
	french
	japanese
	portuguese
	russian
	chinese
	languages // how many there are
)

// languageOf returns the language of a tag by its first part: the databases know no more than one of each.
func languageOf(tag string) (language, bool) {
	primary := tag
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		primary = tag[:i]
	}
	if len(primary) != 2 {
		return 0, false
	}
	l := slices.Index([]string{"en", "de", "es", "fr", "ja", "pt", "ru", "zh"}, strings.ToLower(primary))
	return language(max(l, 0)), l >= 0
}

// maxTags bounds how many languages are looked at: browsers send a few, and a client can send a megabyte of them.
const maxTags = 100

// languagesOf returns the languages of the first tags, each once, without those that have no names.
func languagesOf(tags []string) []language {
	known := make([]language, 0, languages)
	n := 0
	for _, several := range tags {
		for tag := range strings.SplitSeq(several, ",") {
			if n++; n > maxTags {
				return known
			}
			tag, _, _ = strings.Cut(tag, ";")
			if l, ok := languageOf(strings.TrimSpace(tag)); ok && !slices.Contains(known, l) {
				known = append(known, l)
			}
		}
	}
	return known
}

// first returns the languages of rest with those of best before them, each once.
func first(best, rest []language) []language {
	all := make([]language, 0, languages)
	for _, some := range [...][]language{best, rest} {
		for _, l := range some {
			if !slices.Contains(all, l) {
				all = append(all, l)
			}
		}
	}
	return all
}

// defaultOrder returns English and the others.
func defaultOrder() []language {
	all := make([]language, languages)
	for l := range languages {
		all[l] = l
	}
	return all
}

// name returns the name in the first of the languages that has one.
func name(n *geoip2.Names, order []language) string {
	for _, l := range order {
		if s := *in(n, l); s != "" {
			return s
		}
	}
	return ""
}

func in(n *geoip2.Names, l language) *string {
	switch l {
	case german:
		return &n.German
	case spanish:
		return &n.Spanish
	case french:
		return &n.French
	case japanese:
		return &n.Japanese
	case portuguese:
		return &n.BrazilianPortuguese
	case russian:
		return &n.Russian
	case chinese:
		return &n.SimplifiedChinese
	default:
		return &n.English
	}
}

type languagesKey struct{}

// WithLanguages returns a context that puts languages before those of [Config.Languages]: pass it to Manager.Sessions when
// the languages of the one who reads are known. They are BCP 47 tags, the best first, or an Accept-Language header, which
// browsers write in that order. Those without names are skipped.
func WithLanguages(ctx context.Context, tags ...string) context.Context {
	return context.WithValue(ctx, languagesKey{}, languagesOf(tags))
}
