package itest

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/adapters/nethttp/pages"
	"github.com/qsessions/qsessions/core/session"
)

func echoApp(sessions *session.Manager) (http.Handler, error) {
	site := nethttp.New(sessions, nethttp.Config{})
	account, err := pages.NewAccount(sessions, pages.AccountConfig{})
	if err != nil {
		return nil, err
	}
	refuse := func(c *echo.Context, err error) error {
		site.Error(c.Response(), c.Request(), err)
		return nil
	}
	with := func(f func(*echo.Context, session.Session) error) echo.HandlerFunc {
		return func(c *echo.Context) error {
			s, err := sessions.From(c.Request().Context())
			if err != nil {
				return refuse(c, err)
			}
			return f(c, s)
		}
	}
	e := echo.New()
	e.Use(middleware.Recover())
	e.GET("/", with(func(c *echo.Context, s session.Session) error {
		return c.String(http.StatusOK, fmt.Sprintf("user %q", s.User()))
	}))
	e.POST("/login", with(func(c *echo.Context, s session.Session) error {
		s.Login(c.FormValue("user")) // once the password is checked
		return c.Redirect(http.StatusSeeOther, "/devices")
	}))
	signedIn := e.Group("/devices", echo.WrapMiddleware(site.Require)) // not Group(""), which takes every path that is not there, too
	signedIn.GET("", with(func(c *echo.Context, s session.Session) error {
		all, err := session.Collect(sessions.Sessions(c.Request().Context(), s.User()))
		if err != nil {
			return refuse(c, err)
		}
		for _, i := range all {
			fmt.Fprintln(c.Response(), i.ID, i.UserAgent)
		}
		return nil
	}))
	signedIn.POST("/:id/revoke", with(func(c *echo.Context, s session.Session) error {
		id, err := session.ParseID(c.Param("id"))
		if err == nil {
			err = sessions.Revoke(c.Request().Context(), s.User(), id)
		}
		if err != nil {
			return refuse(c, err)
		}
		return c.Redirect(http.StatusSeeOther, "/devices")
	}), echo.WrapMiddleware(site.RequireFresh(15*time.Minute)))
	e.Any("/account/sessions", echo.WrapHandler(account)) // goes on to the one with a slash
	e.Any("/account/sessions/*", echo.WrapHandler(account))
	return site.Handler(http.NewCrossOriginProtection().Handler(e)), nil
}
