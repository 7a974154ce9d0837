package session

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// secret is what the session itself notes in Record.Secret; no store looks into it.
type secret struct {
	current   digest
	previous  digest    // of before the last periodic rotation; zero: none
	seenAt    time.Time // when current was first presented after that rotation; zero: not yet
	rotatedAt time.Time
	deadline  time.Time // the absolute end
	idle      time.Duration
	level     uint8
	remember  bool
	epoch     uint32       // one more with each login and rotation on demand: tells whether a token is dead, or merely old
	nonces    [saves]nonce // of the last saves, latest first: tell whether one of unknown outcome is among them
}

// A nonce is of one attempt to save.
type nonce [8]byte

// saves is how many of them a record remembers: enough for a few requests of one client at a time.
const saves = 4

const (
	secretVersion = 1
	secretLen     = 1 + 1 + 1 + 32 + 32 + 4*8 + 4 + saves*8
	maxMicros     = 253_402_300_800_000_000 - 1 // the end of the year 9999: a later time has no text form
)

func (s *secret) encode() []byte {
	b := make([]byte, 0, secretLen)
	var flags byte
	if s.remember {
		flags |= 1
	}
	b = append(b, secretVersion, flags, s.level)
	b = append(b, s.current[:]...)
	b = append(b, s.previous[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(micros(s.seenAt)))
	b = binary.BigEndian.AppendUint64(b, uint64(micros(s.rotatedAt)))
	b = binary.BigEndian.AppendUint64(b, uint64(micros(s.deadline)))
	b = binary.BigEndian.AppendUint64(b, uint64(s.idle))
	b = binary.BigEndian.AppendUint32(b, s.epoch)
	for i := range s.nonces {
		b = append(b, s.nonces[i][:]...)
	}
	return b
}

// decodeSecret is the inverse of encode; ok is false for anything that encode does not return.
func decodeSecret(b []byte) (s secret, ok bool) {
	if len(b) != secretLen || b[0] != secretVersion || b[1] > 1 {
		return s, false
	}
	s.remember, s.level = b[1]&1 != 0, b[2]
	b = b[3:]
	b = b[copy(s.current[:], b):]
	b = b[copy(s.previous[:], b):]
	for i := range 3 {
		if binary.BigEndian.Uint64(b[8*i:]) > maxMicros {
			return s, false
		}
	}
	s.seenAt = fromMicros(int64(binary.BigEndian.Uint64(b)))
	s.rotatedAt = fromMicros(int64(binary.BigEndian.Uint64(b[8:])))
	s.deadline = fromMicros(int64(binary.BigEndian.Uint64(b[16:])))
	s.idle = time.Duration(binary.BigEndian.Uint64(b[24:]))
	s.epoch = binary.BigEndian.Uint32(b[32:])
	for i := range s.nonces {
		copy(s.nonces[i][:], b[36+8*i:])
	}
	return s, !s.current.isZero() && s.idle > 0 && s.idle <= maxDuration
}

// renew puts the nonce of a new attempt before the others.
func (s *secret) renew() {
	copy(s.nonces[1:], s.nonces[:])
	_, _ = rand.Read(s.nonces[0][:]) // never fails since Go 1.24
}

// opens reports whether d is the digest of one of the session's verifiers.
func (s *secret) opens(d *digest, now time.Time, grace time.Duration) bool {
	// Both comparisons always run: the time taken says nothing of which one matched.
	current, previous := s.current.equal(d), s.previous.equal(d)
	return current || previous && !s.previous.isZero() && (s.seenAt.IsZero() || now.Before(s.seenAt.Add(grace)))
}

// unseen reports whether the verifier of the last periodic rotation still has to be noted as seen.
func (s *secret) unseen() bool { return !s.previous.isZero() && s.seenAt.IsZero() }

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
