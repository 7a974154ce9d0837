package adaptertest_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/qsessions/qsessions/conformance/adaptertest"
	"github.com/qsessions/qsessions/core/session"
)

// naive is an adapter for net/http that a reader can follow, and that may have a fault.
type naive struct {
	fault string
	m     *session.Manager
	app   adaptertest.App

	mu        sync.Mutex
	flights   map[string]*flight         // by cookie, of a faulty one
	sessions  map[string]context.Context // by cookie or connection, of a faulty one
	clients   map[string]session.Client  // by connection, of a faulty one
	userAgent []byte                     // of all requests, of a faulty one
	issued    []string                   // tokens, of a faulty one
}

// A flight is requests of one browser that are there at once.
type flight struct {
	n         int
	committed bool
}

// fly notes that a request is there, until it calls what fly returns.
func (n *naive) fly(cookie string) func() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.flights == nil {
		n.flights = map[string]*flight{}
	}
	if n.flights[cookie] == nil {
		n.flights[cookie] = new(flight)
	}
	n.flights[cookie].n++
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.flights[cookie].n--; n.flights[cookie].n == 0 {
			delete(n.flights, cookie)
		}
	}
}

func (n *naive) is(faults ...string) bool { return slices.Contains(faults, n.fault) }

// handler is the middleware.
func (n *naive) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer n.fly(r.Header.Get("Cookie"))()
		ctx, begun := n.start(r)
		if !begun && n.is("cannot be mounted twice") {
			http.Error(w, "mounted twice", 500)
			return
		}
		if !begun {
			next.ServeHTTP(w, r)
			return
		}
		if n.app.ClientHints && !n.is("asks for no hints") {
			w.Header().Set("Accept-Ch", session.AcceptCH)
		}
		switch m := n.m; {
		case n.is("loads every session"):
			if _, err := m.From(ctx); err != nil {
				n.fail(w, r, err)
				return
			}
		case n.is("notes every visit in the session"):
			if s, err := m.From(ctx); err == nil {
				session.Key[int]("visits").Update(s, func(n int) int { return n + 1 })
			}
		case n.is("notes the visits of users"):
			if s, err := m.From(ctx); err == nil && s.User() != "" {
				session.Key[int]("visits").Update(s, func(n int) int { return n + 1 })
			}
		case n.is("rotates tokens in every request"):
			if s, err := m.From(ctx); err == nil {
				s.Rotate()
			}
		}
		n.note(ctx, r)
		inner := r.WithContext(ctx)
		if n.is("shows handlers nothing but a session") {
			inner = r.WithContext(hidden{ctx, n.m})
		}
		nw := &naiveWriter{ResponseWriter: w, n: n, r: inner, ctx: ctx, head: r.Method == "HEAD"}
		if !n.is("closes what succeeds") {
			defer nw.close()
		}
		if n.is("commits what panics") {
			defer nw.finish()
		}
		next.ServeHTTP(nw, inner)
		nw.finish()
		if n.is("closes what succeeds") && nw.status < 500 {
			nw.close()
		}
	})
}

// note says how a request came about.
func (n *naive) note(ctx context.Context, r *http.Request) {
	switch f := session.ReadFetch(r.Method, r.Header.Get); {
	case n.is("forgets how requests came about"):
	case n.is("takes each request of another site for a form"):
		n.m.NoteFetch(ctx, session.Fetch{Method: "POST", Site: f.Site, Mode: "navigate", Dest: "document"})
	case n.is("takes each request of another site for a link"):
		n.m.NoteFetch(ctx, session.Fetch{Method: "GET", Site: f.Site, Mode: "navigate", Dest: "document"})
	default:
		n.m.NoteFetch(ctx, f)
	}
}

// hidden is a context that does not tell of a manager's session.
type hidden struct {
	context.Context
	m *session.Manager
}

func (h hidden) Value(key any) any {
	if key == any(h.m) {
		return nil
	}
	return h.Context.Value(key)
}

// start begins the session of a request.
func (n *naive) start(r *http.Request) (context.Context, bool) {
	lines := n.lines(r)
	key := ""
	switch {
	case n.is("keeps sessions by their cookie"):
		key = strings.Join(lines, ";")
	case n.is("keeps sessions by their connection"):
		key = r.RemoteAddr
	}
	if key != "" {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.sessions == nil {
			n.sessions = map[string]context.Context{}
		}
		if n.sessions[key] == nil {
			n.sessions[key], _ = n.m.Start(context.Background(), n.client(r), lines...)
		}
		return n.sessions[key], true
	}
	return n.m.Start(r.Context(), n.client(r), lines...)
}

// lines are those of the header with the token.
func (n *naive) lines(r *http.Request) []string {
	header := n.m.RequestHeader()
	lines := r.Header.Values(header)
	switch {
	case n.is("reads one line of Cookie") && len(lines) > 1:
		return lines[:1]
	case n.is("reads the cookies that the framework has parsed") && header == "Cookie":
		var parsed []string
		for _, c := range r.Cookies() {
			parsed = append(parsed, c.Name+"="+c.Value)
		}
		return []string{strings.Join(parsed, "; ")}
	case n.is("reads cookies up to one that it does not understand") && header == "Cookie":
		for _, line := range lines {
			for part := range strings.SplitSeq(line, ";") {
				if !strings.Contains(part, "=") {
					return nil
				}
			}
		}
	case n.is("reads the first cookie of a name") && header == "Cookie":
		for _, c := range r.Cookies() {
			if c.Name == "sid" {
				return []string{"sid=" + c.Value}
			}
		}
	case n.is("takes tokens from the query") && len(lines) == 0 && header == "Cookie":
		return []string{"__Host-session=" + r.URL.Query().Get("__Host-session")}
	case n.is("takes tokens from Cookie too") && header != "Cookie" && len(lines) == 0:
		if c, err := r.Cookie("session"); err == nil {
			return []string{c.Value}
		}
	case n.is("reads headers of 8 KiB") && len(strings.Join(lines, "")) > 8<<10:
		return nil
	case n.is("corrects tokens", "forgives old tokens"):
		n.mu.Lock()
		defer n.mu.Unlock()
		for i, token := range n.issued {
			last := n.issued[len(n.issued)-1]
			if n.is("forgives old tokens") && strings.Join(lines, "") == "__Host-session="+token && token[:21] == last[:21] {
				return []string{"__Host-session=" + last}
			}
			for _, line := range lines {
				if n.is("corrects tokens") && len(line) == 79 && line[:70] == ("__Host-session=" + n.issued[i])[:70] {
					return []string{"__Host-session=" + token}
				}
			}
		}
	}
	return lines
}

// client says who sends r.
func (n *naive) client(r *http.Request) session.Client {
	values := r.Header.Values
	switch {
	case n.is("reads one line of X-Forwarded-For"):
		values = func(name string) []string { return []string{r.Header.Get(name)} }
	case n.is("believes X-Real-IP") && r.Header.Get("X-Real-Ip") != "":
		r = r.Clone(r.Context())
		r.RemoteAddr = r.Header.Get("X-Real-Ip")
	}
	c := session.Client{IP: n.app.ClientIP.Addr(r.RemoteAddr, values), UserAgent: r.UserAgent()}
	if n.app.ClientHints || n.is("keeps all hints") {
		c.Hints = session.ReadHints(r.Header.Get)
	}
	switch {
	case n.is("joins the lines of User-Agent"):
		c.UserAgent = strings.Join(r.Header.Values("User-Agent"), ", ")
	case n.is("keeps borrowed strings"):
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.userAgent == nil {
			n.userAgent = make([]byte, 4096)
		}
		size := copy(n.userAgent, c.UserAgent)
		c.UserAgent = unsafe.String(&n.userAgent[0], size)
	case n.is("knows the client by its connection"):
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.clients == nil {
			n.clients = map[string]session.Client{}
		}
		if _, ok := n.clients[r.RemoteAddr]; !ok {
			n.clients[r.RemoteAddr] = c
		}
		return n.clients[r.RemoteAddr]
	}
	return c
}

// fail is the error page.
func (n *naive) fail(w http.ResponseWriter, r *http.Request, err error) {
	if n.app.Error != nil && !n.is("has one error page") {
		if err := n.app.Error(&naiveExchange{w, r}, err); err != nil {
			http.Error(w, "Internal Server Error", 500)
		}
		return
	}
	status := 500
	for _, known := range []struct {
		err    error
		status int
	}{
		{session.ErrUnavailable, 503}, {session.ErrUnauthenticated, 401}, {session.ErrRevoked, 401}, {session.ErrStale, 403},
		{session.ErrNotFound, 404}, {session.ErrTooMany, 409}, {session.ErrTooLarge, 413}, {session.ErrReplaced, 409}, {session.ErrCrossSite, 403},
	} {
		if errors.Is(err, known.err) && !n.is("answers every error with 500") {
			status = known.status
		}
	}
	switch {
	case errors.Is(err, session.ErrReplaced) && n.is("takes a replaced token for a logout"):
		status = 401
	case errors.Is(err, session.ErrReplaced) && n.is("clears a cookie that was replaced"):
		w.Header().Add("Set-Cookie", "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax")
	case status == 503 && n.is("takes an outage for a logout"):
		status = 401
	case status == 503 && n.is("clears the cookie in an outage"):
		w.Header().Add("Set-Cookie", "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax")
	}
	if status == 503 && !n.is("forgets Retry-After") {
		w.Header().Set("Retry-After", "5")
	}
	text := http.StatusText(status)
	if n.is("shows errors") {
		text = err.Error()
	}
	w.Header().Set("Cache-Control", "no-store")
	if n.is("lets error pages be stored") {
		w.Header().Del("Cache-Control")
	}
	http.Error(w, text, status)
}

// require lets through who meets what.
func (n *naive) require(what session.Requirement, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.is("judges freshness by a copy") && what.MaxAge > 0 && what.Level == 0 {
			s, err := n.m.From(r.Context())
			if err == nil && s.User() != "" && time.Since(s.Info().AuthenticatedAt) < what.MaxAge {
				next.ServeHTTP(w, r)
				return
			}
		}
		_, err := n.m.Require(r.Context(), what)
		switch {
		case n.is("asks for the parts of a proof one by one"):
			_, err = n.m.Require(r.Context(), session.Requirement{Level: what.Level})
			if err == nil {
				_, err = n.m.Require(r.Context(), session.Requirement{MaxAge: what.MaxAge})
			}
		case n.is("turns nobody away"):
			err = nil
		case n.is("turns nobody away who is signed in") && errors.Is(err, session.ErrStale):
			err = nil
		case n.is("turns everybody away") && err != nil:
			err = session.ErrUnauthenticated
		}
		if err != nil {
			n.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// naiveWriter commits before the first byte.
type naiveWriter struct {
	http.ResponseWriter
	n      *naive
	r      *http.Request
	ctx    context.Context // that carries the session
	head   bool
	begun  bool
	late   bool
	ended  bool // the handler has returned
	status int
	err    error
}

// commit is the manager's, and what may go wrong with it.
func (w *naiveWriter) commit() (session.Effect, error) {
	switch n := w.n; {
	case n.is("commits if the client is there") && w.r.URL.Path == "/left": // which it is not, and the server soon knows
		<-w.r.Context().Done()
		return session.Effect{}, nil
	case n.is("commits one of the requests of a browser") && w.r.URL.Path == "/meet": // elsewhere one may still be there that was answered
		n.mu.Lock()
		f := n.flights[w.r.Header.Get("Cookie")]
		skip := f.n > 1 && f.committed && w.r.Header["Cookie"] != nil
		f.committed = true
		n.mu.Unlock()
		if skip {
			return session.Effect{}, nil
		}
	}
	if w.ended && !w.n.is("accepts changes after the last commit", "keeps sessions by their cookie", "keeps sessions by their connection") {
		return w.n.m.Finish(w.ctx)
	}
	return w.n.m.Commit(w.ctx)
}

// without are the responses that a faulty adapter gives no token.
func (w *naiveWriter) without(status int) bool {
	switch w.n.fault {
	case "forgets the token of HEAD":
		return w.head
	case "forgets the token of OPTIONS":
		return w.r.Method == "OPTIONS"
	case "forgets the token of POST":
		return w.r.Method == "POST"
	case "forgets the token of responses without a body":
		return status == 204 || status == 304
	case "commits what is 2xx":
		return status >= 300
	}
	return false
}

func (w *naiveWriter) begin(status int) error {
	if w.begun {
		return w.err
	}
	w.begun, w.status = true, status
	h := w.Header()
	switch {
	case w.n.is("commits when the response is sent"):
		return nil
	case status >= 500 && w.n.is("leaves the end of what fails to the end of the request"):
		return nil
	case w.without(status), status >= 500 && w.n.is("forgets what Save has stored"):
		effect := w.n.m.Close(w.ctx)
		effect.Name = ""
		w.apply(effect)
		return nil
	case status >= 500 && !w.n.is("commits what fails"):
		w.apply(w.n.m.Close(w.ctx))
		return nil
	}
	effect, err := w.commit()
	if err != nil && !w.n.is("sends what is not stored") {
		w.err = err
		if !w.n.is("keeps the header of what is not sent") {
			for _, name := range ofBody {
				h.Del(name)
			}
		}
		if w.n.is("forgets what Save has stored") {
			effect.Name = ""
		}
		w.apply(effect)
		w.n.fail(w.ResponseWriter, w.r, err)
		return err
	}
	w.apply(effect)
	w.late = true
	return nil
}

// apply is the effect's Apply, and what may go wrong with it.
func (w *naiveWriter) apply(e session.Effect) {
	h, n := w.Header(), w.n
	if token := strings.TrimPrefix(e.Value, "__Host-session="); len(token) > 64 {
		n.mu.Lock()
		n.issued = append(n.issued, token[:64])
		n.mu.Unlock()
	}
	switch {
	case n.is("forgets Vary"):
		e.Vary = ""
	case n.is("varies by Cookie"):
		if e.Vary != "" {
			e.Vary = "Cookie"
		}
	case n.is("replaces Vary"):
		if e.Vary != "" {
			h.Set("Vary", e.Vary)
		}
	case n.is("names the same twice in Vary"):
		if e.Vary != "" {
			h.Add("Vary", e.Vary)
		}
		e.Vary = ""
	case n.is("drops Secure"):
		e.Value = strings.Replace(e.Value, "; Secure", "", 1)
	case n.is("knows no partitioned cookies"):
		e.Value = strings.Replace(e.Value, "; Partitioned", "", 1)
	case n.is("sets two cookies"):
		if e.Name == "Set-Cookie" {
			h.Add(e.Name, e.Value)
		}
	case n.is("replaces cookies"):
		if e.Name == "Set-Cookie" {
			h.Del(e.Name)
		}
	case n.is("keeps the token that came"):
		if line := w.r.Header.Get(n.m.RequestHeader()); e.Value != "" && line != "" {
			if n.m.RequestHeader() == "Cookie" {
				e.Value = line + "; Path=/; HttpOnly; Secure; SameSite=Lax"
			} else {
				e.Value = line
			}
		}
	case n.is("takes no token back"):
		if strings.Contains(e.Value, "Max-Age=0") || e.Value == "" {
			e.Name = ""
		}
	case n.is("sends a cookie beside the header"):
		if e.Name != "" && e.Name != "Set-Cookie" {
			h.Set("Set-Cookie", "session="+e.Value)
		}
	case n.is("clears cookies that open nothing"):
		if s, ok := session.Peek(w.ctx); ok && s.ID().IsZero() && e.Name == "" && w.r.Header.Get("Cookie") != "" {
			h.Add("Set-Cookie", "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax")
		}
	case n.is("forgets that pages of users are private"):
		e.Cache = ""
	case n.is("knows no NoStore"):
		if e.Cache != "" {
			e.Cache = "private, no-cache"
		}
	case n.is("replaces the Cache-Control of pages of users"):
		if e.Cache != "" {
			h.Set("Cache-Control", e.Cache)
		}
	case n.is("sends one line of cookies"):
		e.TakeBack = ""
	case n.is("sends lines of cookies in another order"):
		if e.TakeBack != "" && e.Name != "" {
			defer func() { slices.Reverse(h["Set-Cookie"]) }()
		}
	case n.is("lets nothing be stored"):
		h.Set("Cache-Control", "no-store")
	case n.is("shows the token"):
		if e.Name != "" {
			h.Set("X-Session", e.Value)
		}
	}
	before := h["Cache-Control"]
	e.Apply(h)
	if n.is("forgets no-store") || n.is("leaves Cache-Control to the application") && before != nil {
		h["Cache-Control"] = before
		if before == nil {
			h.Del("Cache-Control")
		}
	}
}

var ofBody = []string{
	"Accept-Ranges", "Cache-Control", "Clear-Site-Data", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Location", "Content-Range",
	"Content-Type", "Etag", "Expires", "Last-Modified", "Location", "Refresh",
}

// finish is called when the handler has returned.
func (w *naiveWriter) finish() {
	w.ended = true
	switch {
	case w.n.is("commits when the response is sent"):
		if w.status < 500 {
			effect, _ := w.commit()
			w.apply(effect)
		}
	case !w.begun && w.n.is("commits what is written"):
	case !w.begun:
		_ = w.begin(200)
	case w.late && !w.n.is("loses late changes", "forgets a request when its response begins"):
		_, _ = w.commit()
	}
}

func (w *naiveWriter) close() {
	if w.n.is("never closes", "keeps sessions by their cookie", "keeps sessions by their connection") ||
		w.begun && w.n.is("forgets a request when its response begins") {
		return
	}
	if path := w.r.URL.Path; (path == "/beside" || path == "/stream") && w.n.is("accepts changes after the last commit", "loses late changes") {
		time.Sleep(20 * time.Millisecond)
	}
	if e := w.n.m.Close(w.ctx); !w.begun && !w.n.is("forgets what Save has stored") {
		w.apply(e)
	}
}

// WriteHeader implements [http.ResponseWriter].
func (w *naiveWriter) WriteHeader(status int) {
	if status < 200 && !w.n.is("commits early hints") || w.begin(status) == nil {
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements [http.ResponseWriter].
func (w *naiveWriter) Write(b []byte) (int, error) {
	if err := w.begin(200); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

// FlushError is what a [http.ResponseController] calls.
func (w *naiveWriter) FlushError() error {
	if !w.n.is("forgets to commit before a flush") {
		if err := w.begin(200); err != nil {
			return err
		}
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// take gives the connection away.
func (w *naiveWriter) take() (net.Conn, error) {
	if !w.n.is("forgets to commit before the connection is taken") {
		if err := w.begin(200); err != nil {
			return nil, err
		}
	}
	conn, _, err := http.NewResponseController(w.ResponseWriter).Hijack()
	return conn, err
}
