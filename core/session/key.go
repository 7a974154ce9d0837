package session

// A Key names a value of type T in a session. Declare it as a constant:
//
//	const Cart session.Key[[]Item] = "cart"
//
// A name is 1 to 128 bytes of UTF-8 without control characters, and does not begin with an underscore. A key of type
// [encoding/json.RawMessage] gives untyped access to what the [JSON] codec stored.
//
// A stored value that cannot be decoded as T counts as absent, and is reported as [ValueCorrupt] and to Config.Logger; the
// other values are not affected.
//
// Sessions outlive releases. With the [JSON] codec, fields may be added to T and removed from it. For a type that cannot
// decode the values of the previous one, use another name, such as "cart2": instances of both releases then run side by side,
// and each finds its own values. Under the same name, Set replaces the old value and UpdateOr starts anew, but instances of
// the previous release cannot read the new values.
type Key[T any] string

// Lookup returns the value, and whether there is one.
func (k Key[T]) Lookup(s Session) (T, bool) {
	h := s.self()
	var v T
	b, ok := h.value(string(k))
	if !ok {
		return v, false
	}
	if err := decode(h.m.cfg.Codec, string(k), b, &v); err != nil {
		h.reportCorrupt(string(k), err)
		var zero T
		return zero, false
	}
	return v, true
}

// Get returns the value, or the zero T if there is none.
func (k Key[T]) Get(s Session) T {
	v, _ := k.Lookup(s)
	return v
}

// GetOr returns the value, or def if there is none.
func (k Key[T]) GetOr(s Session, def T) T {
	if v, ok := k.Lookup(s); ok {
		return v
	}
	return def
}

// Has reports whether there is a value, decodable or not.
func (k Key[T]) Has(s Session) bool {
	_, ok := s.self().value(string(k))
	return ok
}

// Set encodes v now: changing v later changes nothing. It fails, for the commit and Err, if the codec cannot encode v: [JSON]
// encodes neither NaN nor text that is not UTF-8.
func (k Key[T]) Set(s Session, v T) {
	h := s.self()
	b, err := encode(h.m.cfg.Codec, string(k), v)
	if err != nil {
		h.fail(err)
		return
	}
	h.change(change{op: opSet, name: string(k), value: b})
}

// Delete removes the value, if there is one.
func (k Key[T]) Delete(s Session) {
	if k.Has(s) {
		s.self().change(change{op: opDelete, name: string(k)})
	}
}

// Pop returns the value, or the zero T, and deletes it. Two parallel requests may both get it: it is for messages, not for
// tokens that must work once.
func (k Key[T]) Pop(s Session) T {
	v := k.Get(s)
	k.Delete(s)
	return v
}

// UpdateOr is like [Key.Update], but f gets def if there is no value, or none that can be decoded. As f may run again, it must
// not modify anything that def refers to.
func (k Key[T]) UpdateOr(s Session, def T, f func(T) T) {
	k.Lookup(s) // reports what cannot be decoded
	k.update(s, def, true, f)
}

// Update replaces the value by f of it; f gets the zero T if there is none. If another request saved the session in
// between, f runs again, on what that request left: no increment and no appended item is lost. So f must have no effect
// but its result; it may read the session, and must not change, save or revoke it, which would block. A value that cannot
// be decoded fails with [ErrCorrupt] instead of being overwritten; [Key.UpdateOr] overwrites it. The stored value has f
// applied once, also when the store's answer to a save is lost: if so many other requests have saved since that the outcome
// of that save is unknown, Save returns [ErrUnavailable].
func (k Key[T]) Update(s Session, f func(T) T) {
	var zero T
	k.update(s, zero, false, f)
}

func (k Key[T]) update(s Session, def T, anew bool, f func(T) T) {
	h := s.self()
	codec := h.m.cfg.Codec
	h.update(change{op: opUpdate, name: string(k), fn: func(old []byte, ok bool) ([]byte, error) {
		var v T
		var err error
		if ok {
			err = decode(codec, string(k), old, &v)
		}
		switch {
		case err != nil && !anew:
			return nil, err
		case err != nil, !ok:
			v = def
		}
		return encode(codec, string(k), f(v))
	}})
}
