package itest

import (
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/adapters/nethttp/pages"
	"github.com/qsessions/qsessions/core/session"
)

func ginApp(sessions *session.Manager, events <-chan string) (http.Handler, error) {
	site := nethttp.New(sessions, nethttp.Config{})
	account, err := pages.NewAccount(sessions, pages.AccountConfig{})
	if err != nil {
		return nil, err
	}
	with := func(f func(*gin.Context, session.Session)) gin.HandlerFunc {
		return func(c *gin.Context) {
			s, err := sessions.From(c.Request.Context()) // and not c, in which gin looks for no values of the request
			if err != nil {
				site.Error(c.Writer, c.Request, err)
				c.Abort()
				return
			}
			f(c, s)
		}
	}
	require := func(want session.Requirement) gin.HandlerFunc {
		return func(c *gin.Context) {
			if _, err := sessions.Require(c.Request.Context(), want); err != nil {
				site.Error(c.Writer, c.Request, err)
				c.Abort()
			}
		}
	}
	r := gin.New()
	r.Use(gin.Recovery())
	r.GET("/", with(func(c *gin.Context, s session.Session) { c.String(http.StatusOK, "user %q", s.User()) }))
	r.POST("/login", with(func(c *gin.Context, s session.Session) {
		s.Login(c.PostForm("user")) // once the password is checked
		c.Redirect(http.StatusSeeOther, "/devices")
	}))
	signedIn := r.Group("/", require(session.Requirement{}))
	signedIn.GET("/devices", with(func(c *gin.Context, s session.Session) {
		all, err := session.Collect(sessions.Sessions(c.Request.Context(), s.User()))
		if err != nil {
			site.Error(c.Writer, c.Request, err)
			return
		}
		for _, i := range all {
			c.String(http.StatusOK, "%s %s\n", i.ID, i.UserAgent)
		}
	}))
	signedIn.POST("/devices/:id/revoke", require(session.Requirement{MaxAge: 15 * time.Minute}), with(func(c *gin.Context, s session.Session) {
		id, err := session.ParseID(c.Param("id"))
		if err == nil {
			err = sessions.Revoke(c.Request.Context(), s.User(), id)
		}
		if err != nil {
			site.Error(c.Writer, c.Request, err)
			return
		}
		c.Redirect(http.StatusSeeOther, "/devices")
	}))
	signedIn.GET("/events", func(c *gin.Context) {
		c.Stream(func(io.Writer) bool { // changes of the session are saved before the first event
			select {
			case event := <-events:
				c.SSEvent("message", event)
				return true
			case <-c.Request.Context().Done():
				return false
			}
		})
	})
	r.Any("/account/sessions/*page", gin.WrapH(account))
	return site.Handler(http.NewCrossOriginProtection().Handler(r)), nil
}
