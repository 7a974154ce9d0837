package session

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"
)

// secret is what the session itself notes in Record.Secret; no store looks into it. File standing.go says what becomes of
// its tokens.
type secret struct {
	remember   bool // the login had Remember
	persistent bool // the cookie outlives the browser
	limited    bool // idle and lifetime are the session's own
	untouched  bool // nothing was saved since its login

	current digest
	slots   [2]slot
	family  mark // of current
	before  mark // of the family that a login or a rotation on demand has replaced; zero: none

	issuedAt   time.Time // when a token was last issued
	seenAt     time.Time // when current was first presented, if a periodic exchange issued it
	replacedAt time.Time // when family replaced before
	deadline   time.Time // the absolute end
	cookieEnd  time.Time // when the cookie ends that was last sent; zero: with the browser
	idle       time.Duration
	lifetime   time.Duration // that a re-authentication gives anew
	epoch      uint32        // one more with each family
	nonces     [saves]nonce  // of the last saves, latest first: tell whether one of unknown outcome is among them
	proofs     proofs

	bound bool // not stored: the policy is stricter than what is
}

// A slot holds the digest of one token beside the current one.
type slot struct {
	kind   slotKind
	digest digest
}

type slotKind uint8

const (
	slotFree    slotKind = iota
	slotPending          // issued by a periodic exchange, and not presented yet
	slotOld              // current or pending once; open for the rest of Policy.Grace
)

// A nonce is of one attempt to save.
type nonce [8]byte

// saves is how many of them a record remembers: enough for a few requests of one client at a time.
const saves = 4

const (
	secretVersion = 2
	secretLen     = 3 + 3*32 + 2*16 + 5*8 + 2*8 + 4 + saves*8 + maxProofs*9
	maxMicros     = 253_402_300_800_000_000 - 1 // the end of the year 9999: a later time has no text form
)

var (
	errDamaged = errors.New("session: the record's state is damaged")
	errVersion = errors.New("session: the record's state has a version of another release")
)

// A secretForm is one version of the bytes of a secret; the version is the first of them. A release that writes a new
// version comes after one that reads it: so there is no step of an upgrade, or of its way back, at which an instance meets
// a version that it does not know. If it does, it answers [ErrUnavailable], and signs no user out.
type secretForm struct {
	version byte
	encode  func(*secret) []byte
	decode  func([]byte) (s secret, ok bool)
}

// secretForms are the versions that are read; the first one is written.
func secretForms() []secretForm {
	return []secretForm{{secretVersion, (*secret).encode, decodeSecret}}
}

// decode reads the bytes of a secret into s. The error is errVersion or errDamaged.
func (m *Manager) decode(b []byte, s *secret) error {
	if len(b) == 0 || b[0] == 0 {
		return errDamaged
	}
	for i := range m.forms {
		f := &m.forms[i]
		switch {
		case f.version != b[0]:
			continue
		case f.version == secretVersion: // called by its name it leaves s where it is, off the heap
			if s.read(b) {
				return nil
			}
		default:
			var ok bool
			if *s, ok = f.decode(b); ok {
				return nil
			}
		}
		return errDamaged
	}
	return errVersion
}

// encode returns the form of version 2.
func (s *secret) encode() []byte {
	b := make([]byte, 0, secretLen)
	var flags byte
	for i, f := range s.flags() {
		if *f {
			flags |= 1 << i
		}
	}
	b = append(b, secretVersion, flags, byte(s.slots[0].kind)|byte(s.slots[1].kind)<<4)
	for _, d := range s.digests() {
		b = append(b, d[:]...)
	}
	b = append(append(b, s.family[:]...), s.before[:]...)
	for _, t := range s.times() {
		b = binary.BigEndian.AppendUint64(b, uint64(micros(*t)))
	}
	b = binary.BigEndian.AppendUint64(b, uint64(s.idle))
	b = binary.BigEndian.AppendUint64(b, uint64(s.lifetime))
	b = binary.BigEndian.AppendUint32(b, s.epoch)
	for i := range s.nonces {
		b = append(b, s.nonces[i][:]...)
	}
	for _, p := range s.proofs {
		b = binary.BigEndian.AppendUint64(append(b, p.level), uint64(micros(p.at)))
	}
	return b
}

// decodeSecret is the inverse of encode; ok is false for anything that encode does not return.
func decodeSecret(b []byte) (s secret, ok bool) {
	ok = s.read(b)
	return s, ok
}

// read is decodeSecret in place.
func (s *secret) read(b []byte) bool {
	if len(b) != secretLen || b[0] != secretVersion || b[1] >= 1<<4 || b[2]&0x0f > byte(slotOld) || b[2]>>4 > byte(slotOld) {
		return false
	}
	for i, f := range s.flags() {
		*f = b[1]&(1<<i) != 0
	}
	s.slots[0].kind, s.slots[1].kind = slotKind(b[2]&0x0f), slotKind(b[2]>>4)
	b = b[3:]
	for _, d := range s.digests() {
		b = b[copy(d[:], b):]
	}
	b = b[copy(s.family[:], b):]
	b = b[copy(s.before[:], b):]
	ok := true
	for _, t := range s.times() {
		*t, ok = moment(b, ok)
		b = b[8:]
	}
	s.idle, s.lifetime = time.Duration(binary.BigEndian.Uint64(b)), time.Duration(binary.BigEndian.Uint64(b[8:]))
	s.epoch = binary.BigEndian.Uint32(b[16:])
	b = b[20:]
	for i := range s.nonces {
		b = b[copy(s.nonces[i][:], b):]
	}
	for i := range s.proofs {
		p := &s.proofs[i]
		p.level = b[0]
		p.at, ok = moment(b[1:], ok)
		ok = ok && (p.level > 0 || p.at.IsZero())
		b = b[9:]
	}
	for i := range s.slots { // no digest beside a free slot
		ok = ok && (s.slots[i].kind == slotFree) == s.slots[i].digest.isZero()
	}
	return ok && !s.current.isZero() && !s.family.isZero() && inRange(s.idle) && inRange(s.lifetime)
}

// moment reads a time; ok stays as it is unless the time is out of range.
func moment(b []byte, ok bool) (time.Time, bool) {
	v := binary.BigEndian.Uint64(b)
	if v > maxMicros {
		return time.Time{}, false
	}
	return fromMicros(int64(v)), ok
}

func inRange(d time.Duration) bool { return d > 0 && d <= maxDuration }

// flags, digests and times have the fields in the order of the form.
func (s *secret) flags() [4]*bool {
	return [4]*bool{&s.remember, &s.untouched, &s.persistent, &s.limited}
}

func (s *secret) digests() [3]*digest {
	return [3]*digest{&s.current, &s.slots[0].digest, &s.slots[1].digest}
}

func (s *secret) times() [5]*time.Time {
	return [5]*time.Time{&s.issuedAt, &s.seenAt, &s.replacedAt, &s.deadline, &s.cookieEnd}
}

// renew puts the nonce of a new attempt before the others.
func (s *secret) renew() {
	copy(s.nonces[1:], s.nonces[:])
	_, _ = rand.Read(s.nonces[0][:]) // never fails since Go 1.24
}

// expiry returns the effective end of a session that is used at now.
func (s *secret) expiry(now time.Time) time.Time {
	if e := now.Add(s.idle); e.Before(s.deadline) {
		return e
	}
	return s.deadline
}

// now is the time as stores keep it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(v int64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMicro(v).UTC()
}
