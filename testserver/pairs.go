package testserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
)

// appUser is the user of a pair's DSN.
const appUser = "app"

func postgresPair() pairKind {
	leads := func(ctx context.Context, s *Server) (leads, follows bool, err error) {
		answer, err := s.query(ctx, "SELECT pg_is_in_recovery()::int, (current_setting('default_transaction_read_only') = 'off')::int")
		return answer == "0|1", answer == "1|1" || answer == "1|0", err
	}
	return pairKind{
		start: func(ctx context.Context, c *Cluster, opts Options) error {
			p := postgres()
			primary, err := start(ctx, p, opts)
			if err != nil {
				return err
			}
			c.Nodes = append(c.Nodes, primary)
			if err := primary.exec(ctx, "CREATE ROLE "+appUser+" LOGIN", "CREATE DATABASE "+appUser+" OWNER "+appUser); err != nil {
				return err
			}
			c.DSN = "postgres://" + appUser + "@" + primary.Addr + "/" + appUser + "?sslmode=disable"
			host, port, err := net.SplitHostPort(primary.Addr)
			if err != nil {
				return err
			}
			p.prepare = func(ctx context.Context, s *Server, initdb string) error {
				initdb, err := filepath.EvalSymlinks(initdb)
				if err != nil {
					return err
				}
				return runTool(ctx, s.dir, filepath.Join(filepath.Dir(initdb), "pg_basebackup"), "-h", host, "-p", port,
					"-U", "postgres", "-w", "-D", s.data(), "-R", "-X", "stream", "-c", "fast", "--no-sync")
			}
			standby, err := start(ctx, p, opts)
			if err != nil {
				return err
			}
			c.Nodes = append(c.Nodes, standby)
			return primary.awaitAnswer(ctx, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", "1")
		},
		leads: leads,
		// A server that becomes a standby ends its connections. One whose transactions are read-only by default keeps
		// them, and answers writes with the same code.
		demote: func(ctx context.Context, from, to *Server) error {
			if err := from.exec(ctx, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"); err != nil {
				return err
			}
			// A new connection sees it when the old ones were told.
			if err := from.awaitAnswer(ctx, "SHOW default_transaction_read_only", "on"); err != nil {
				return err
			}
			now, err := from.query(ctx, "SELECT clock_timestamp()")
			if err != nil {
				return err
			}
			if err := from.awaitAnswer(ctx, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND "+
				"pid <> pg_backend_pid() AND xact_start <= '"+now+"'", "0"); err != nil {
				return err
			}
			end, err := from.query(ctx, "SELECT pg_current_wal_insert_lsn()")
			if err != nil {
				return err
			}
			if err := to.awaitAnswer(ctx, "SELECT (pg_last_wal_replay_lsn() >= '"+end+"')::int", "1"); err != nil {
				return err
			}
			return nil
		},
		promote: func(ctx context.Context, _, to *Server) error {
			return to.awaitAnswer(ctx, "SELECT (NOT pg_is_in_recovery() OR pg_promote())::int", "1")
		},
	}
}

func mariadbPair() pairKind {
	return pairKind{
		start: func(ctx context.Context, c *Cluster, opts Options) error {
			for i := range 2 {
				p := mariadb()
				args := p.args
				p.args = func(s *Server, port string, opts Options) []string {
					return append(args(s, port, opts), "--log-bin=binlog", "--binlog-format=ROW", "--log-slave-updates",
						fmt.Sprintf("--server-id=%d", i+1))
				}
				s, err := start(ctx, p, opts)
				if err != nil {
					return err
				}
				c.Nodes = append(c.Nodes, s)
			}
			primary, replica := c.Nodes[0], c.Nodes[1]
			host, port, err := net.SplitHostPort(primary.Addr)
			if err != nil {
				return err
			}
			c.DSN = appUser + "@tcp(" + primary.Addr + ")/" + appUser
			return errors.Join(
				replica.exec(ctx, "SET GLOBAL read_only = 1",
					"CHANGE MASTER TO MASTER_HOST = '"+host+"', MASTER_PORT = "+port+", MASTER_USER = 'root', MASTER_USE_GTID = slave_pos",
					"START SLAVE"),
				// What it may do leaves out READ ONLY ADMIN, which writes to a read-only server.
				primary.exec(ctx, "CREATE DATABASE "+appUser, "CREATE USER "+appUser+"@'127.0.0.1'",
					"GRANT ALL ON "+appUser+".* TO "+appUser+"@'127.0.0.1'"),
				follow(ctx, primary, replica))
		},
		leads: func(ctx context.Context, s *Server) (leads, follows bool, err error) {
			answer, err := s.query(ctx, "SELECT @@read_only, variable_value FROM information_schema.global_status "+
				"WHERE variable_name = 'slave_running'")
			return strings.HasPrefix(answer, "0"), answer == "1\tON", err
		},
		demote: func(ctx context.Context, from, to *Server) error {
			// It waits for the transactions that run.
			if err := from.exec(ctx, "SET GLOBAL read_only = 1"); err != nil {
				return err
			}
			return follow(ctx, from, to)
		},
		promote: func(ctx context.Context, _, to *Server) error {
			return to.exec(ctx, "STOP SLAVE", "SET GLOBAL read_only = 0")
		},
	}
}

// follow returns when the replica has what the primary has.
func follow(ctx context.Context, primary, replica *Server) error {
	position, err := primary.query(ctx, "SELECT @@gtid_binlog_pos")
	if err != nil {
		return err
	}
	return replica.awaitAnswer(ctx, "SELECT MASTER_GTID_WAIT('"+position+"', 1)", "0")
}

func redisPair() pairKind {
	return pairKind{
		start: func(ctx context.Context, c *Cluster, opts Options) error {
			for range 2 {
				s, err := start(ctx, redisReplicated(), opts)
				if err != nil {
					return err
				}
				c.Nodes = append(c.Nodes, s)
			}
			c.DSN = "redis://" + c.Nodes[0].Addr
			host, port, err := net.SplitHostPort(c.Nodes[0].Addr)
			if err != nil {
				return err
			}
			if _, err := c.Nodes[1].do(ctx, "REPLICAOF", host, port); err != nil {
				return err
			}
			return await(ctx, func() error {
				role, err := c.Nodes[1].look(ctx, "ROLE")
				if err == nil && text(role, 3) != "connected" {
					err = errors.New("the replica is not connected")
				}
				return err
			})
		},
		leads: func(ctx context.Context, s *Server) (leads, follows bool, err error) {
			role, err := s.look(ctx, "ROLE")
			return text(role, 0) == "master", text(role, 0) == "slave" && text(role, 3) == "connected", err
		},
		// Redis does both: it holds writes until the replica has what was acknowledged, and then they change places.
		demote: func(ctx context.Context, from, to *Server) error {
			host, port, err := net.SplitHostPort(to.Addr)
			if err != nil {
				return err
			}
			_, err = from.do(ctx, "FAILOVER", "TO", host, port)
			return err
		},
		promote: func(ctx context.Context, from, to *Server) error {
			return await(ctx, func() error {
				old, err := from.look(ctx, "ROLE")
				if err != nil {
					return err
				}
				role, err := to.look(ctx, "ROLE")
				if err == nil && (text(old, 0) != "slave" || text(role, 0) != "master") {
					err = errors.New("the servers have not changed places yet")
				}
				return err
			})
		},
	}
}
