package cached

import (
	"context"
	"log/slog"

	_ "github.com/jackc/pgx/v5/stdlib"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/session"
)

func Open(ctx context.Context, postgres, redis string) (*session.Manager, error) {
	db, err := sqlxstore.Open(ctx, "pgx", postgres, sqlxstore.Config{})
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	// Or memcachestore.OpenCache(ctx, []string{"host:11211"}, memcachestore.CacheConfig{}).
	cache, err := rueidisstore.OpenCache(ctx, redis, rueidisstore.CacheConfig{})
	if err != nil {
		return nil, err
	}
	both, err := cacheddb.New(cache, db, cacheddb.Config{Namespace: "shop", Logger: slog.Default()})
	if err != nil {
		return nil, err
	}
	return session.New(both, session.Config{})
}
