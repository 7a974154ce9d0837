package main

import (
	"log"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

const Visits session.Key[int] = "visits"

func main() {
	sessions, err := session.New(new(memory.Store), session.Config{}) // or over a database, as above
	if err != nil {
		log.Fatal(err)
	}
	app := fiber.New()
	app.Use(recover.New(), fibersession.CrossOrigin(nil)) // refuses what other sites post
	app.Use(fibersession.New(sessions, fibersession.Config{}))
	app.Get("/", fibersession.With(sessions, func(c fiber.Ctx, s session.Session) error {
		Visits.Update(s, func(n int) int { return n + 1 })
		return c.JSON(fiber.Map{"user": s.User(), "visits": Visits.Get(s)})
	}))
	app.Post("/login", fibersession.With(sessions, func(c fiber.Ctx, s session.Session) error {
		s.Login(c.FormValue("user")) // once the password is checked
		return c.Redirect().Status(fiber.StatusSeeOther).To("/devices")
	}))
	app.Get("/devices", fibersession.Require(sessions), fibersession.With(sessions, func(c fiber.Ctx, s session.Session) error {
		all, err := session.Collect(sessions.Sessions(c.Context(), s.User()))
		if err != nil {
			return err // answered by its status, without its text
		}
		return c.JSON(all)
	}))
	log.Fatal(app.Listen("127.0.0.1:8082"))
}
