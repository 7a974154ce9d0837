package pages

import (
	"cmp"
	"strings"
)

// A plural is how a language counts with whole numbers (Unicode CLDR, "Language Plural Rules").
type plural struct {
	categories []string
	category   func(n int) string
	assumed    bool // nothing is known of the language
}

// plurals returns the rule for a tag; what is not listed counts as English does.
func plurals(tag string) plural {
	base, region, _ := strings.Cut(strings.ToLower(tag), "-")
	if base == "pt" && strings.HasPrefix(region, "pt") {
		base = "" // European Portuguese counts as English does
	}
	switch base {
	case "ja", "zh", "ko", "vi", "th", "id", "ms", "lo", "my":
		return plural{categories: []string{"other"}, category: func(int) string { return "other" }}
	case "fr", "pt", "hy", "fa", "hi", "bn", "am", "gu", "kn", "pa", "zu", "si":
		return plural{categories: []string{"one", "other"}, category: func(n int) string { return either(n == 0 || n == 1, "one", "other") }}
	case "ru", "uk", "be":
		return plural{categories: []string{"one", "few", "many", "other"}, category: slavic}
	case "sr", "hr", "bs":
		return plural{categories: []string{"one", "few", "other"}, category: func(n int) string {
			c := slavic(n)
			return either(c == "many", "other", c)
		}}
	case "pl":
		return plural{categories: []string{"one", "few", "many", "other"}, category: func(n int) string {
			if c := slavic(n); n == 1 || c != "one" {
				return c
			}
			return "many"
		}}
	case "cs", "sk":
		return plural{categories: []string{"one", "few", "other"}, category: func(n int) string {
			return either(n == 1, "one", either(n >= 2 && n <= 4, "few", "other"))
		}}
	case "sl":
		return plural{categories: []string{"one", "two", "few", "other"}, category: func(n int) string {
			switch n % 100 {
			case 1:
				return "one"
			case 2:
				return "two"
			case 3, 4:
				return "few"
			}
			return "other"
		}}
	case "ro", "mo":
		return plural{categories: []string{"one", "few", "other"}, category: func(n int) string {
			return either(n == 1, "one", either(n == 0 || n%100 >= 1 && n%100 <= 19, "few", "other"))
		}}
	case "lt":
		return plural{categories: []string{"one", "few", "other"}, category: func(n int) string {
			teens := n%100 >= 11 && n%100 <= 19
			return either(n%10 == 0 || teens, "other", either(n%10 == 1, "one", "few"))
		}}
	case "lv":
		return plural{categories: []string{"zero", "one", "other"}, category: func(n int) string {
			teens := n%100 >= 11 && n%100 <= 19
			return either(n%10 == 0 || teens, "zero", either(n%10 == 1, "one", "other"))
		}}
	case "is", "mk":
		return plural{categories: []string{"one", "other"}, category: func(n int) string {
			return either(n%10 == 1 && n%100 != 11, "one", "other")
		}}
	case "he", "iw":
		return plural{categories: []string{"one", "two", "other"}, category: func(n int) string {
			return either(n == 1, "one", either(n == 2, "two", "other"))
		}}
	case "ar":
		return plural{categories: []string{"zero", "one", "two", "few", "many", "other"}, category: arabic}
	case "mt":
		return plural{categories: []string{"one", "two", "few", "many", "other"}, category: func(n int) string {
			switch hundred := n % 100; {
			case n == 1:
				return "one"
			case n == 2:
				return "two"
			case n == 0 || hundred >= 3 && hundred <= 10:
				return "few"
			case hundred >= 11 && hundred <= 19:
				return "many"
			}
			return "other"
		}}
	case "ga":
		return plural{categories: []string{"one", "two", "few", "many", "other"}, category: func(n int) string {
			switch {
			case n == 1:
				return "one"
			case n == 2:
				return "two"
			case n >= 3 && n <= 6:
				return "few"
			case n >= 7 && n <= 10:
				return "many"
			}
			return "other"
		}}
	case "gd":
		return plural{categories: []string{"one", "two", "few", "other"}, category: func(n int) string {
			switch {
			case n == 1 || n == 11:
				return "one"
			case n == 2 || n == 12:
				return "two"
			case n >= 3 && n <= 19:
				return "few"
			}
			return "other"
		}}
	case "cy":
		return plural{categories: []string{"zero", "one", "two", "few", "many", "other"}, category: func(n int) string {
			few := map[int]string{0: "zero", 1: "one", 2: "two", 3: "few", 6: "many"}
			return cmp.Or(few[n], "other")
		}}
	}
	english := func(n int) string { return either(n == 1, "one", "other") }
	return plural{categories: []string{"one", "other"}, category: english, assumed: true}
}

// single reports whether a category is that of one number alone, whose form may spell it out.
func (p plural) single(category string) bool {
	numbers := 0
	for n := range 200 {
		if p.category(n) == category {
			numbers++
		}
	}
	return numbers == 1
}

func either[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

func slavic(n int) string {
	switch ten, hundred := n%10, n%100; {
	case ten == 1 && hundred != 11:
		return "one"
	case ten >= 2 && ten <= 4 && (hundred < 12 || hundred > 14):
		return "few"
	}
	return "many"
}

func arabic(n int) string {
	switch hundred := n % 100; {
	case n == 0:
		return "zero"
	case n == 1:
		return "one"
	case n == 2:
		return "two"
	case hundred >= 3 && hundred <= 10:
		return "few"
	case hundred >= 11:
		return "many"
	}
	return "other"
}
