package console

import (
	"errors"
	"net/http"
	"time"

	"github.com/antinium/keygate/admin"
)

// The bounds of sessions and of one-time links.
const (
	sessionIdle = 30 * time.Minute
	sessionLife = 12 * time.Hour
	maxSessions = 10_000
	maxOwn      = 100 // sessions of one key and scope

	linkLife = 5 * time.Minute
	maxLinks = 10_000
	maxMade  = 2_000 // unused links by one maker
)

// session is who has signed in. It holds the id of a key and never its text.
type session struct {
	// who is the principal at the time of the sign-in. With a key it is no more than
	// a bound: see Console.recall.
	who    admin.Principal
	name   string // for the page: what the key is called
	masked string
	csrf   string // the token of every form
	notice string // to be said on the next page
}

// errSessionOver tells that the session has ended, because its key does not
// work any more or manages no keys any more.
var errSessionOver = errors.New("the session has ended")

// recall is the principal of a session now. The record of its key is read anew
// each time, so that revoking the key ends the session with the next request.
func (c *Console) recall(s session, address string) (admin.Principal, error) {
	if s.who.KeyID == "" { // a link that was made over the Unix socket
		who := s.who
		who.Address = address
		return who, nil
	}
	who, err := c.server.Recall(s.who.KeyID, address)
	if err != nil {
		if admin.StatusOf(err) >= http.StatusInternalServerError {
			return admin.Principal{}, err
		}
		return admin.Principal{}, errSessionOver
	}
	who, within := who.Within(s.who.Account, s.who.Workspace)
	if !within || !who.Manages() {
		return admin.Principal{}, errSessionOver
	}
	return who, nil
}

// begin opens a session and answers with its cookie. An earlier session of the
// same browser ends.
func (c *Console) begin(w http.ResponseWriter, r *http.Request, s session) {
	c.sessions.take(c.cookie(r))
	s.csrf = newToken()
	owner := s.who.Actor + " " + s.who.Account + "/" + s.who.Workspace
	c.setCookie(w, c.sessions.add(owner, s))
}

// The names of the session's cookie. A browser takes the first only over TLS,
// for this host alone and for all of its paths.
const (
	secureCookie = "__Host-keygate"
	plainCookie  = "keygate" // other servers on the same address get it too, whatever their port: loopback is one machine
)

func (c *Console) cookieName() string {
	if c.secure {
		return secureCookie
	}
	return plainCookie
}

// cookie is the token of the session, or "".
func (c *Console) cookie(r *http.Request) string {
	found, err := r.Cookie(c.cookieName())
	if err != nil {
		return ""
	}
	return found.Value
}

// setCookie hands out a token; "" takes it back.
func (c *Console) setCookie(w http.ResponseWriter, token string) {
	cookie := &http.Cookie{
		Name: c.cookieName(), Value: token, Path: "/", Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
	if token == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}
