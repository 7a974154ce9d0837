package pages

import (
	"html/template"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// An addressRange is the addresses that a filter lets through: those of prefix, from low to high.
type addressRange struct {
	prefix    netip.Prefix // the shortest that has them all
	low, high netip.Addr   // valid only if they are not all that prefix has
}

// has reports whether a is in the range, given that it is in its prefix.
func (r addressRange) has(a netip.Addr) bool {
	return !r.low.IsValid() || a.Compare(r.low) >= 0 && a.Compare(r.high) <= 0
}

// parseAddresses reads an address, a prefix such as 192.0.2.0/24, a range such as 192.0.2.10-192.0.2.20 or 192.0.2.10-20, or
// an address that ends in wildcards, such as 192.0.2.*. It returns the form in which it is shown. ok is false for anything
// else; then try is an example of something near that would do, or "".
func parseAddresses(text string) (r addressRange, shown, try string, ok bool) {
	text = strings.ReplaceAll(strings.TrimSpace(text), "–", "-")
	if a, ok := parseAddress(text); ok {
		return addressRange{prefix: netip.PrefixFrom(a, a.BitLen())}, a.String(), "", true
	}
	if p, err := netip.ParsePrefix(text); err == nil && !p.Addr().Is4In6() {
		return addressRange{prefix: p.Masked()}, p.Masked().String(), "", true
	}
	if first, last, is := strings.Cut(text, "-"); is {
		r, ok := parseRange(strings.TrimSpace(first), strings.TrimSpace(last))
		switch {
		case !ok:
			return r, text, "", false
		case !r.low.IsValid():
			return r, r.prefix.String(), "", true
		}
		return r, r.low.String() + "-" + r.high.String(), "", true
	}
	separator, group, most := ".", 8, 4
	if strings.Contains(text, ":") {
		separator, group, most = ":", 16, 8
	}
	known := strings.TrimRight(text, "*"+separator)
	parts := strings.Split(known, separator)
	if len(parts) >= most || known == "" || strings.Contains(text, "/") || strings.Contains(text, "::") {
		return r, text, "", false
	}
	a, err := netip.ParseAddr(known + strings.Repeat(separator+"0", most-len(parts)))
	if err != nil {
		return r, text, "", false
	}
	p := netip.PrefixFrom(a, len(parts)*group)
	stars := strings.Count(text, "*")
	if rest := text[len(known):]; stars == 0 || stars > most-len(parts) || rest != strings.Repeat(separator+"*", stars) {
		return r, text, p.String(), false // it may be the beginning of one address, or of one number: 10.1* is 10.1, or 10.10 and on, too
	}
	return addressRange{prefix: p}, p.String(), "", true
}

func parseAddress(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	return a.Unmap().WithZone(""), err == nil // a zone could hold anything
}

func parseRange(first, last string) (addressRange, bool) {
	low, ok := parseAddress(first)
	if !ok {
		return addressRange{}, false
	}
	if _, err := strconv.ParseUint(last, 10, 8); err == nil && low.Is4() { // only the last number
		last = first[:strings.LastIndexByte(first, '.')+1] + last
	}
	high, ok := parseAddress(last)
	if !ok || low.BitLen() != high.BitLen() || high.Less(low) {
		return addressRange{}, false
	}
	a, b := low.AsSlice(), high.AsSlice()
	same := 0
	for i := range a {
		n := bits.LeadingZeros8(a[i] ^ b[i])
		same += n
		if n < 8 {
			break
		}
	}
	p := netip.PrefixFrom(low, same).Masked()
	if p.Addr() == low && lastOf(p) == high {
		return addressRange{prefix: p}, true
	}
	return addressRange{prefix: p, low: low, high: high}, true
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := range b {
		if n := p.Bits() - 8*i; n < 8 {
			b[i] |= 0xff >> max(n, 0)
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// IP is an address that breaks across lines behind colons only: half a number reads as another address.
func (p *Page) IP(a netip.Addr) template.HTML {
	if !a.IsValid() {
		return template.HTML(template.HTMLEscapeString(p.T("unknown")))
	}
	return `<span class="ip" dir="ltr">` + breakable(a.WithZone("").String()) + `</span>`
}

// Addresses shows the addresses of a filter in the same way.
func (p *Page) Addresses(s string) template.HTML {
	return `<span class="ip" dir="ltr">` + breakable(p.Show(s)) + `</span>`
}

const longest4 = len("255.255.255.255")

func breakable(s string) template.HTML {
	s = template.HTMLEscapeString(s)
	if len(s) > longest4 {
		s = strings.NewReplacer(":", ":<wbr>", "-", "-<wbr>").Replace(s)
	}
	return template.HTML(s)
}
