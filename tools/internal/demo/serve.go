package demo

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gofiber/fiber/v3"
)

// An Adapter is a way of web frameworks to their sessions.
type Adapter string

// The adapters.
const (
	NetHTTP Adapter = "nethttp"
	Fiber   Adapter = "fiber"
)

const (
	readTimeout     = 10 * time.Second
	writeTimeout    = 30 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 5 * time.Second
	maxHeader       = 64 << 10
	maxBody         = 16 << 10 // of a form
)

// A server serves its listener until it is shut down, which waits for the requests that have begun, unless ctx ends first.
type server struct {
	serve    func() error
	shutdown func(ctx context.Context) error
}

func (a *App) server(adapter Adapter, l net.Listener) server {
	if adapter == Fiber {
		return fiberServer(a.fiberApp(), l)
	}
	return httpServer(&http.Server{
		Handler:           a.handler(),
		ReadHeaderTimeout: readTimeout / 2,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}, l)
}

func httpServer(s *http.Server, l net.Listener) server {
	return server{
		serve: func() error {
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
		shutdown: func(ctx context.Context) error {
			err := s.Shutdown(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				err = s.Close()
			}
			return err
		},
	}
}

func fiberServer(app *fiber.App, l net.Listener) server {
	return server{
		serve: func() error { return app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) },
		shutdown: func(ctx context.Context) error {
			err := app.ShutdownWithContext(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				err = nil // what takes longer ends with the program
			}
			if e := l.Close(); !errors.Is(e, net.ErrClosed) { // it was called before the server had begun
				err = errors.Join(err, e)
			}
			return err
		},
	}
}

// Serve serves a on l through an adapter, and runs it, until ctx is done. Then it waits for the requests that have begun, 5
// seconds at most: a handler that takes longer loses its connection, and may still run. It closes l, and ends its own
// goroutines.
func Serve(ctx context.Context, l net.Listener, a *App, adapter Adapter) error {
	server := a.server(adapter, l)
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
		serveErr = server.serve()
	})
	<-ctx.Done()
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer stop()
	err := server.shutdown(end)
	<-served
	wg.Wait()
	return errors.Join(runErr, serveErr, err)
}
