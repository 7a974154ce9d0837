package pages

import (
	"net/http"
	"net/url"
	"strconv"
)

const maxFrom = 2 << 10 // bytes

// from is where in the list a page was opened, or a form was sent: the parameters of the list itself, or those that a link of
// the list, or the form, carries along as "from". Only parameters of the list get through, so that it leads nowhere else.
func (v *view) from() string {
	if v.place == nil || v.json || v.home == "" {
		return ""
	}
	text := v.r.URL.RawQuery
	switch {
	case v.r.URL.Path == v.config.Path:
	case v.r.Method == http.MethodPost:
		text = v.r.PostFormValue("from")
	default:
		text = v.r.URL.Query().Get("from")
	}
	if len(text) > maxFrom {
		return ""
	}
	q, err := url.ParseQuery(text)
	if err != nil {
		return ""
	}
	return v.place(q).Encode()
}

// list is the reference to the list that a form came from.
func (v *view) list() string {
	if from := v.from(); from != "" {
		return v.home + "?" + from
	}
	return v.home
}

// accountPlace is the page of the account's list.
func accountPlace(q url.Values) url.Values {
	kept := url.Values{}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 1 {
		kept.Set("page", strconv.Itoa(n))
	}
	return kept
}

// adminPlace is the filter of the admin's list, and the page.
func (a *Admin) adminPlace(q url.Values) url.Values {
	f, err := parseFilter(q)
	if err != nil {
		return url.Values{}
	}
	kept := f.values()
	if limit, after, err := paging(q, a.config.PageSize); err == nil {
		if limit != a.config.PageSize {
			kept.Set("limit", strconv.Itoa(limit))
		}
		if !after.IsZero() {
			kept.Set("after", after.String())
		}
	}
	return kept
}
