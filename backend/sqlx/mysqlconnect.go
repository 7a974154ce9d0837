package sqlxstore

import (
	"context"
	"database/sql/driver"
	"time"
)

// A mysqlConnector bounds all of a connection's making by the DSN's timeout: the driver applies that to the dialing alone, and
// waits for the greeting of a server that sends none, such as PostgreSQL or Redis, as long as for any answer.
type mysqlConnector struct {
	driver.Connector
	timeout time.Duration // 0: none
}

func (c mysqlConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if c.timeout <= 0 {
		return c.Connector.Connect(ctx)
	}
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := c.Connector.Connect(bounded)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		err = silentError{}
	}
	return conn, err
}

// A silentError is the error of a timeout that is not the caller's. It is a [net.Error].
type silentError struct{}

func (silentError) Error() string {
	return "the server accepts connections and does not answer in time, or is no MySQL server"
}
func (silentError) Timeout() bool   { return true }
func (silentError) Temporary() bool { return true }
