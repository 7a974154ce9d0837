package session
import ("context";"net/netip";"testing";"github.com/qsessions/qsessions/core/memory")
func BenchmarkRead(b *testing.B) {
	for name, c := range map[string]Config{"cookie": {}, "header": {Header: "X-Session"}, "observed": {Observe: func(context.Context, Event) {}}} {
		b.Run(name, func(b *testing.B) {
			m := newManager(b, new(memory.Store), c)
			v := visitor{t: b, m: m, client: Client{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "test/1.0"}}
			v.do(func(s Session) { s.Login("alice"); color.Set(s, "red") })
			line := v.token
			if c.Header == "" {
				line = "__Host-session=" + v.token
			}
			lines := []string{line}
			b.ReportAllocs()
			for b.Loop() {
				ctx, _ := m.Start(context.Background(), v.client, lines...)
				if s, err := m.From(ctx); err != nil || s.User() != "alice" {
					b.Fatal(err)
				}
				if _, err := m.Commit(ctx); err != nil {
					b.Fatal(err)
				}
				m.Close(ctx)
			}
		})
	}
}
