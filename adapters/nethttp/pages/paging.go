package pages

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/qsessions/qsessions/core/session"
)

// checkQuery refuses a query that cannot be read, and in the API a parameter that is not known or given twice: a script
// that misspells one must not get, or end, the sessions of all users.
func (v *view) checkQuery(known []string) error {
	values, err := url.ParseQuery(v.r.URL.RawQuery)
	if err != nil {
		return bad("the query cannot be read")
	}
	if !v.json {
		return nil
	}
	for name, given := range values {
		if !slices.Contains(known, name) {
			return bad("a parameter is not known; those that are: [" + strings.Join(known, ", ") + "]")
		}
		if len(given) > 1 {
			return bad(name + " is given more than once")
		}
	}
	return nil
}

// paging reads the parameters of a keyset: after an id, at most so many.
func paging(q url.Values, size int) (limit int, after session.ID, err error) {
	limit = size
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return 0, after, bad("limit is not a number from 1 to " + strconv.Itoa(maxPage))
		}
	}
	if text := q.Get("after"); text != "" {
		if after, err = session.ParseID(text); err != nil {
			return 0, after, bad("after is not an id of a session")
		}
	}
	return limit, after, nil
}

// cut takes the one session away that was read only to learn whether there is a next page, and returns its cursor.
func cut(infos []session.Info, limit int) ([]session.Info, session.ID) {
	if len(infos) <= limit {
		return infos, session.ID{}
	}
	return infos[:limit], infos[limit-1].ID
}
