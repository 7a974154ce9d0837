package pages

import (
	"net/url"
	"strconv"

	"github.com/qsessions/qsessions/core/session"
)

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
