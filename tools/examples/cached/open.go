package cached

import (
	"context"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/session"
)

func Open(ctx context.Context, postgres, redis string) (*session.Manager, error) {
	db, err := sqlxstore.Open(ctx, "postgres", postgres, sqlxstore.Config{})
	if err != nil {
		return nil, err
	}
	cache, err := rueidisstore.OpenCache(ctx, redis, rueidisstore.CacheConfig{}) // or memcachestore.OpenCache
	if err != nil {
		return nil, err
	}
	both, err := cacheddb.New(cache, db, cacheddb.Config{Namespace: "shop"})
	if err != nil {
		return nil, err
	}
	return session.New(both, session.Config{})
}
