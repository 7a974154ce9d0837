package testserver

import (
	"bufio"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestSwitchover keeps a connection of an ordinary user over the change: the old primary lives on, answers reads, and
// refuses writes with the code that a read-only server has.
func TestSwitchover(t *testing.T) {
	for _, row := range []struct {
		kind    Kind
		refusal string
	}{
		{KindPostgresPair, "25006"}, {KindMariaDBPair, "1290"}, {KindRedisPair, "READONLY"},
	} {
		t.Run(string(row.kind), func(t *testing.T) {
			t.Parallel()
			c := Pair(t, row.kind, Options{})
			old := c.Nodes[0]
			if master, err := c.Master(t.Context(), ""); master != old || err != nil {
				t.Fatalf("the master is %v, %v", master, err)
			}
			talk := talkTo(t, c)
			if answer := talk(1); strings.Contains(answer, row.refusal) {
				t.Fatalf("the primary refuses a write: %s", answer)
			}
			master, err := c.Switchover(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if now, err := c.Master(t.Context(), ""); master != c.Nodes[1] || now != master || err != nil {
				t.Errorf("the master is %v, %v, Switchover gave %v", now, err, master)
			}
			if err := c.AwaitReady(t.Context()); err != nil {
				t.Error(err)
			}
			if answer := talk(2); !strings.Contains(answer, row.refusal) {
				t.Errorf("a write on the old connection gives %q, want %s", answer, row.refusal)
			}
			if got := count(t, c, master); got != "1" {
				t.Errorf("the new primary has %q of what was acknowledged", got)
			}
			if row.kind == KindRedisPair { // its old primary follows
				return
			}
			if _, err := c.Switchover(t.Context()); err == nil {
				t.Error("a server that follows none is promoted")
			}
		})
	}
}

// talkTo returns what writes a number over one connection of the pair's ordinary user, and returns the answer.
func talkTo(t *testing.T, c *Cluster) func(n int) string {
	t.Helper()
	if c.Kind == KindRedisPair {
		conn, err := net.DialTimeout("tcp", c.Nodes[0].Addr, patience)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		answers := bufio.NewReader(conn)
		return func(int) string {
			conn.SetDeadline(time.Now().Add(patience))
			if _, err := io.WriteString(conn, "INCR n\r\n"); err != nil {
				t.Fatal(err)
			}
			answer, err := answers.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			return answer
		}
	}
	client := startClient(t, c)
	client("CREATE TABLE t (a int);")
	return func(n int) string { return client("INSERT INTO t VALUES (" + string(rune('0'+n)) + ");") }
}

// count returns how many writes the server has.
func count(t *testing.T, c *Cluster, s *Server) string {
	t.Helper()
	if c.Kind == KindRedisPair {
		n, err := s.do(t.Context(), "GET", "n")
		if err != nil {
			t.Fatal(err)
		}
		return text(n)
	}
	dsn := mysqlDatabase(s.DSN, appUser)
	if c.Kind == KindPostgresPair {
		dsn = postgresDatabase(s.DSN, appUser)
	}
	n, err := s.prog.sql(t.Context(), dsn, "SELECT count(*) FROM t")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// startClient starts the server's own client program with the pair's DSN, and returns what sends it a statement, over its
// one connection, and returns what it prints.
func startClient(t *testing.T, c *Cluster) func(statement string) string {
	t.Helper()
	name, args := "psql", []string{"-X", "-q", "-A", "-t", "-w", "-v", "VERBOSITY=verbose", "-d", c.DSN}
	if c.Kind == KindMariaDBPair {
		host, port, _ := net.SplitHostPort(c.Nodes[0].Addr)
		name, args = "mariadb", []string{"--no-defaults", "--batch", "--force", "--unbuffered", "--skip-column-names", "--user=" + appUser,
			"--database=" + appUser, "--protocol=tcp", "--host=" + host, "--port=" + port}
	}
	path, err := lookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		go io.Copy(io.Discard, r)
		cmd.Wait()
	})
	lines := bufio.NewReader(r)
	return func(statement string) string {
		if _, err := io.WriteString(in, statement+"\nSELECT 'done';\n"); err != nil {
			t.Fatal(err)
		}
		var answer strings.Builder
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if line == "done\n" {
				return answer.String()
			}
			answer.WriteString(line)
		}
	}
}
