package nethttp

import "net/http"

// combine returns w as a writer for handlers that has the optional methods of can and no others. There is a type for each
// set of them: a handler finds a method by a type assertion, so that one which is there must work, and one which works must
// be there. The parts point to w, so that writer and parts are one allocation.
func combine(can ability, w writer) (*writer, http.ResponseWriter) {
	switch can {
	case canFlush:
		x := &struct {
			writer
			flusher
		}{writer: w}
		x.flusher.w = &x.writer
		return &x.writer, x
	case canHijack:
		x := &struct {
			writer
			hijacker
		}{writer: w}
		x.hijacker.w = &x.writer
		return &x.writer, x
	case canFlush | canHijack:
		x := &struct {
			writer
			flusher
			hijacker
		}{writer: w}
		x.flusher.w, x.hijacker.w = &x.writer, &x.writer
		return &x.writer, x
	case canPush:
		x := &struct {
			writer
			pusher
		}{writer: w}
		x.pusher.w = &x.writer
		return &x.writer, x
	case canFlush | canPush:
		x := &struct {
			writer
			flusher
			pusher
		}{writer: w}
		x.flusher.w, x.pusher.w = &x.writer, &x.writer
		return &x.writer, x
	case canHijack | canPush:
		x := &struct {
			writer
			hijacker
			pusher
		}{writer: w}
		x.hijacker.w, x.pusher.w = &x.writer, &x.writer
		return &x.writer, x
	case canFlush | canHijack | canPush:
		x := &struct {
			writer
			flusher
			hijacker
			pusher
		}{writer: w}
		x.flusher.w, x.hijacker.w, x.pusher.w = &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canNotify:
		x := &struct {
			writer
			notifier
		}{writer: w}
		x.notifier.w = &x.writer
		return &x.writer, x
	case canFlush | canNotify:
		x := &struct {
			writer
			flusher
			notifier
		}{writer: w}
		x.flusher.w, x.notifier.w = &x.writer, &x.writer
		return &x.writer, x
	case canHijack | canNotify:
		x := &struct {
			writer
			hijacker
			notifier
		}{writer: w}
		x.hijacker.w, x.notifier.w = &x.writer, &x.writer
		return &x.writer, x
	case canFlush | canHijack | canNotify:
		x := &struct {
			writer
			flusher
			hijacker
			notifier
		}{writer: w}
		x.flusher.w, x.hijacker.w, x.notifier.w = &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canPush | canNotify:
		x := &struct {
			writer
			pusher
			notifier
		}{writer: w}
		x.pusher.w, x.notifier.w = &x.writer, &x.writer
		return &x.writer, x
	case canFlush | canPush | canNotify:
		x := &struct {
			writer
			flusher
			pusher
			notifier
		}{writer: w}
		x.flusher.w, x.pusher.w, x.notifier.w = &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canHijack | canPush | canNotify:
		x := &struct {
			writer
			hijacker
			pusher
			notifier
		}{writer: w}
		x.hijacker.w, x.pusher.w, x.notifier.w = &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canFlush | canHijack | canPush | canNotify:
		x := &struct {
			writer
			flusher
			hijacker
			pusher
			notifier
		}{writer: w}
		x.flusher.w, x.hijacker.w, x.pusher.w, x.notifier.w = &x.writer, &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canReadFrom:
		x := &struct {
			writer
			readerFrom
		}{writer: w}
		x.readerFrom.w = &x.writer
		return &x.writer, x
	case canFlush | canReadFrom:
		x := &struct {
			writer
			flusher
			readerFrom
		}{writer: w}
		x.flusher.w, x.readerFrom.w = &x.writer, &x.writer
		return &x.writer, x
	case canHijack | canReadFrom:
		x := &struct {
			writer
			hijacker
			readerFrom
		}{writer: w}
		x.hijacker.w, x.readerFrom.w = &x.writer, &x.writer
		return &x.writer, x
	case canFlush | canHijack | canReadFrom:
		x := &struct {
			writer
			flusher
			hijacker
			readerFrom
		}{writer: w}
		x.flusher.w, x.hijacker.w, x.readerFrom.w = &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canPush | canReadFrom:
		x := &struct {
			writer
			pusher
			readerFrom
		}{writer: w}
		x.pusher.w, x.readerFrom.w = &x.writer, &x.writer
		return &x.writer, x
	case canFlush | canPush | canReadFrom:
		x := &struct {
			writer
			flusher
			pusher
			readerFrom
		}{writer: w}
		x.flusher.w, x.pusher.w, x.readerFrom.w = &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canHijack | canPush | canReadFrom:
		x := &struct {
			writer
			hijacker
			pusher
			readerFrom
		}{writer: w}
		x.hijacker.w, x.pusher.w, x.readerFrom.w = &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canFlush | canHijack | canPush | canReadFrom:
		x := &struct {
			writer
			flusher
			hijacker
			pusher
			readerFrom
		}{writer: w}
		x.flusher.w, x.hijacker.w, x.pusher.w, x.readerFrom.w = &x.writer, &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canNotify | canReadFrom:
		x := &struct {
			writer
			notifier
			readerFrom
		}{writer: w}
		x.notifier.w, x.readerFrom.w = &x.writer, &x.writer
		return &x.writer, x
	case canFlush | canNotify | canReadFrom:
		x := &struct {
			writer
			flusher
			notifier
			readerFrom
		}{writer: w}
		x.flusher.w, x.notifier.w, x.readerFrom.w = &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canHijack | canNotify | canReadFrom:
		x := &struct {
			writer
			hijacker
			notifier
			readerFrom
		}{writer: w}
		x.hijacker.w, x.notifier.w, x.readerFrom.w = &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canFlush | canHijack | canNotify | canReadFrom:
		x := &struct {
			writer
			flusher
			hijacker
			notifier
			readerFrom
		}{writer: w}
		x.flusher.w, x.hijacker.w, x.notifier.w, x.readerFrom.w = &x.writer, &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canPush | canNotify | canReadFrom:
		x := &struct {
			writer
			pusher
			notifier
			readerFrom
		}{writer: w}
		x.pusher.w, x.notifier.w, x.readerFrom.w = &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canFlush | canPush | canNotify | canReadFrom:
		x := &struct {
			writer
			flusher
			pusher
			notifier
			readerFrom
		}{writer: w}
		x.flusher.w, x.pusher.w, x.notifier.w, x.readerFrom.w = &x.writer, &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canHijack | canPush | canNotify | canReadFrom:
		x := &struct {
			writer
			hijacker
			pusher
			notifier
			readerFrom
		}{writer: w}
		x.hijacker.w, x.pusher.w, x.notifier.w, x.readerFrom.w = &x.writer, &x.writer, &x.writer, &x.writer
		return &x.writer, x
	case canFlush | canHijack | canPush | canNotify | canReadFrom:
		x := &struct {
			writer
			flusher
			hijacker
			pusher
			notifier
			readerFrom
		}{writer: w}
		x.flusher.w, x.hijacker.w, x.pusher.w, x.notifier.w, x.readerFrom.w = &x.writer, &x.writer, &x.writer, &x.writer, &x.writer
		return &x.writer, x
	}
	x := new(writer) // and not &w, which would allocate in every case
	*x = w
	return x, x
}
