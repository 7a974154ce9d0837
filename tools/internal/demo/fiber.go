package demo

import (
	"errors"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/session"
)

// fiberApp returns the application for Fiber.
func (a *App) fiberApp() *fiber.App {
	app := fiber.New(fiber.Config{
		CaseSensitive: true, ReadBufferSize: maxHeader, BodyLimit: maxBody,
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	})
	app.Use(fiberHeaders, fibersession.CrossOrigin(nil), fibersession.New(a.sessions, fibersession.Config{ErrorHandler: a.fiberError, ClientHints: true}))
	for _, file := range [][2]string{{"style", "css"}, {"icon", "svg"}} {
		app.Get("/"+file[0]+"."+file[1], func(c fiber.Ctx) error {
			b, err := files.ReadFile("pages/" + file[0] + "." + file[1])
			if err != nil {
				return err
			}
			return c.Type(file[1]).Send(b)
		})
	}
	app.Get("/", fibersession.With(a.sessions, func(c fiber.Ctx, s session.Session) error {
		return a.send(c, fiber.StatusOK, "home.html", a.home(c.Context(), s))
	}))
	app.Get("/sign-in", fibersession.With(a.sessions, func(c fiber.Ctx, s session.Session) error {
		return a.send(c, fiber.StatusOK, "sign-in.html", a.signInPage(s, c.Query("back")))
	}))
	for path, do := range actions {
		app.Post(path, fibersession.With(a.sessions, func(c fiber.Ctx, s session.Session) error {
			to, err := do(s, func(name string) string { return c.FormValue(name) })
			if err != nil {
				return fiber.NewError(fiber.StatusBadRequest, err.Error())
			}
			return c.Redirect().Status(fiber.StatusSeeOther).To(to) // a reload does not send the form again
		}))
	}
	app.Use("/account/sessions/", fibersession.HTTP(a.account))
	app.Use("/admin/sessions/", fibersession.HTTP(a.admin))
	return app
}

func fiberHeaders(c fiber.Ctx) error {
	for name, value := range security {
		c.Set(name, value)
	}
	return c.Next()
}

func (a *App) send(c fiber.Ctx, status int, name string, p page) error {
	b, err := a.execute(name, p)
	if err != nil {
		return err
	}
	return c.Status(status).Type("html", "utf-8").Send(b)
}

// fiberError is error for Fiber. What it returns is answered as Fiber does, by the status.
func (a *App) fiberError(c fiber.Ctx, err error) error {
	if !errors.Is(err, session.ErrRevoked) {
		return err
	}
	return a.send(c, fiber.StatusUnauthorized, "sign-in.html", a.signedOutPage())
}
