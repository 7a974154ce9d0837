package demo

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const shutdownTimeout = 5 * time.Second

// Serve serves a on l, and runs it, until ctx is done. Then it waits for the requests that have begun, 5 seconds at
// most: a handler that takes longer loses its connection, and may still run. It closes l, and ends its own goroutines.
func Serve(ctx context.Context, l net.Listener, a *App) error {
	server := &http.Server{
		Handler:           a.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()

	var runErr error
	wg.Go(func() {
		defer cancel()
		runErr = a.Run(ctx)
	})
	var serveErr error
	served := make(chan struct{})
	wg.Go(func() {
		defer close(served)
		defer cancel()
		serveErr = server.Serve(l)
	})
	<-ctx.Done()
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer stop()
	err := server.Shutdown(end)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	<-served
	wg.Wait()
	if errors.Is(serveErr, http.ErrServerClosed) {
		serveErr = nil
	}
	return errors.Join(runErr, serveErr, err)
}
