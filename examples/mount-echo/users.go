package main

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/runtime/core"
)

// user is a user of the host. The id is what the agents know them by: made once, kept for good.
type user struct {
	ID       core.UUID `json:"id"`
	Name     string    `json:"name"`
	password string
}

// users are who may log in, and who has: a table and signed cookies in a real host.
type users struct {
	known map[string]user

	mu       sync.Mutex
	sessions map[string]user
}

func newUsers() *users {
	return &users{sessions: map[string]user{}, known: map[string]user{
		"ada": {core.StringToUUID("user ada"), "Ada Lovelace", "engine"},
		"bob": {core.StringToUUID("user bob"), "Bob", "builder"},
	}}
}

const cookie = "session"

// of is who sent a request.
func (u *users) of(r *http.Request) (user, bool) {
	c, err := r.Cookie(cookie)
	if err != nil {
		return user{}, false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	who, ok := u.sessions[c.Value]
	return who, ok
}

// identify tells the server who its callers are. Each can speak for themselves alone: their messages must name their id
// as the author.
func (u *users) identify(r *http.Request) (eliza.Identity, error) {
	who, ok := u.of(r)
	if !ok {
		return eliza.Identity{}, &eliza.Error{Code: core.CodeUnauthorized, Message: "Log in at /login first"}
	}
	return eliza.Identity{EntityID: who.ID, Name: who.Name}, nil
}

// credentials are what a user logs in with.
type credentials struct {
	Name     string `json:"name" form:"name"`
	Password string `json:"password" form:"password"`
}

func (u *users) login(c echo.Context) error {
	var in credentials
	if err := c.Bind(&in); err != nil {
		return err
	}
	if err := c.Validate(&in); err != nil {
		return err
	}
	who, ok := u.known[in.Name]
	if subtle.ConstantTimeCompare([]byte(who.password), []byte(in.Password)) != 1 || !ok {
		return echo.NewHTTPError(http.StatusUnauthorized, "no such user, or another password")
	}
	token := rand.Text()
	u.mu.Lock()
	u.sessions[token] = who
	u.mu.Unlock()
	c.SetCookie(&http.Cookie{Name: cookie, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	return c.JSON(http.StatusOK, who)
}

func (u *users) me(c echo.Context) error {
	who, ok := u.of(c.Request())
	if !ok {
		return echo.ErrUnauthorized
	}
	return c.JSON(http.StatusOK, who)
}
