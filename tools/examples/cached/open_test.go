package cached

import (
	"context"
	"os"
	"testing"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

func TestOpen(t *testing.T) {
	dsn := testserver.Postgres(t).Database(t)
	sessions, err := Open(t.Context(), dsn, "redis://"+testserver.Redis(t).Addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, _ := sessions.Start(context.WithoutCancel(t.Context()), session.Client{}, "")
	defer sessions.Close(ctx)
	s, err := sessions.From(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.Login("ann")
	if err := s.Save(ctx); err != nil {
		t.Fatal(err)
	}
	if err := sessions.Revoke(ctx, "ann", s.ID()); err != nil {
		t.Fatal(err)
	}
}
