package cacheddb

import "github.com/qsessions/qsessions/core/store"

// A both form reads copies that are sealed and copies that are authenticated, while encryption is turned on or off.
type both struct {
	sealed
	plain *authenticated
	write form // one of the two
}

func newBoth(s sealed, plain *authenticated, p Plain) *both {
	f := &both{sealed: s, plain: plain, write: s}
	if p == PlainWritten {
		f.write = plain
	}
	return f
}

func (f *both) room() (head, tail int) { return f.write.room() }

func (f *both) seal(id store.ID, b []byte) ([]byte, error) { return f.write.seal(id, b) }

func (f *both) open(id store.ID, b []byte) []byte {
	if len(b) > 0 && b[0] == sealedForm {
		return f.sealed.open(id, b)
	}
	return f.plain.open(id, b)
}

func (f *both) foreign(b []byte) bool { return f.plain.foreign(b) }
