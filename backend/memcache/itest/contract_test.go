package itest

import (
	"context"
	"testing"

	"github.com/qsessions/qsessions/backend/memcache"
	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/testserver"
)

// storeSuite is the suite's configuration; each case has keys of its own.
func storeSuite(t testing.TB) storetest.Config {
	addr := testserver.Memcached(t).Addr
	return storetest.Config{
		MaxData: 1<<20 - 4<<10,
		Open: func(ctx context.Context) (storetest.Fixture, error) {
			s, err := memcachestore.Open(ctx, []string{addr}, memcachestore.Config{Prefix: prefix()})
			if err != nil {
				return storetest.Fixture{}, err
			}
			return storetest.Fixture{Store: s, Close: s.Close}, nil
		},
	}
}

func TestStoreContract(t *testing.T) { storetest.Run(t, storeSuite(t)) }

func FuzzStoreContract(f *testing.F) { storetest.Fuzz(f, storeSuite(f)) }
