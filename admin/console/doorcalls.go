package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/keystore"
)

const (
	listPath      = "/console/keys"
	signInPath    = "/console/sign-in"
	signedOutPath = "/console/signed-out"
)

// doorRoutes are the pages that need no session.
func (c *Console) doorRoutes(mux *http.ServeMux) {
	for pattern, to := range map[string]string{
		"GET /{$}": listPath, "GET /console": listPath, "GET /console/{$}": listPath, "GET /console/sign-out": listPath,
	} {
		mux.Handle(pattern, http.RedirectHandler(to, http.StatusSeeOther))
	}
	mux.HandleFunc("GET "+signInPath, func(w http.ResponseWriter, _ *http.Request) { c.send(w, http.StatusOK, Frame{}, SignIn{}) })
	mux.HandleFunc("POST "+signInPath, c.signIn)
	mux.HandleFunc("GET /console/link", c.askLink)
	mux.HandleFunc("POST /console/link", c.redeem)
	mux.HandleFunc("GET "+signedOutPath, func(w http.ResponseWriter, _ *http.Request) { c.send(w, http.StatusOK, Frame{}, SignedOut{}) })
}

// posted is a field of a form, without the white space that pasting adds.
func posted(w http.ResponseWriter, r *http.Request, name string) string {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return ""
	}
	return strings.TrimSpace(r.PostForm.Get(name))
}

const (
	refusedKey = "No key that works has this text. Paste all of it, from the prefix to the last character."
	poorKey    = "This key works, but manages no keys: that takes Full Access, if the server allows it, or an operator key."
)

// signIn opens a session for who pastes a key. What was pasted is not shown again.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	text := keystore.NewSecret(posted(w, r, "key"))
	who, err := c.server.SignIn(text, admin.AddressOf(r))
	switch status := admin.StatusOf(err); {
	case err == nil && who.Manages():
		c.begin(w, r, c.keySession(who, text))
		http.Redirect(w, r, listPath, http.StatusSeeOther)
	case err == nil:
		c.send(w, http.StatusForbidden, Frame{}, SignIn{Error: poorKey})
	case status == http.StatusTooManyRequests:
		c.send(w, status, Frame{}, Problem{Kind: TooMany, Wait: "a few seconds"})
	case status >= http.StatusInternalServerError:
		c.send(w, status, Frame{}, Problem{Kind: WentWrong})
	default:
		c.send(w, http.StatusForbidden, Frame{}, SignIn{Error: refusedKey})
	}
}

// keySession is that of a key. An operator key does not show among the keys that
// it manages, and so has no name here.
func (c *Console) keySession(who admin.Principal, text keystore.Secret) session {
	s := session{who: who, name: "Operator key", masked: maskText(text.Reveal())}
	if key, err := c.server.Keyring(who, keystore.By{}).Get(who.KeyID); err == nil {
		s.name, s.masked = key.Name, masked(key)
	}
	return s
}

// maskText is what may be shown of a key's text: the prefix, if it has one, and
// the last 4 characters.
func maskText(text string) string {
	prefix, rest, found := strings.Cut(text, "_")
	if !found || len(prefix) > 12 {
		prefix, rest = "", text
	} else {
		prefix += "_"
	}
	if len(rest) < 16 {
		return prefix + "..."
	}
	return prefix + "..." + rest[len(rest)-4:]
}

// askLink shows where a link leads. It is used up by the POST alone.
func (c *Console) askLink(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	s, living := c.links.look(token)
	if !living {
		c.send(w, http.StatusGone, Frame{}, Problem{Kind: LinkSpent})
		return
	}
	c.send(w, http.StatusOK, Frame{}, LinkSignIn{Token: token, Account: s.who.Account, Workspace: s.who.Workspace})
}

// redeem opens a session for who has a link. If the link was made with a key,
// that key must still work.
func (c *Console) redeem(w http.ResponseWriter, r *http.Request) {
	s, living := c.links.take(posted(w, r, "token"))
	if living {
		_, err := c.recall(s, admin.AddressOf(r))
		living = err == nil
	}
	if !living {
		c.send(w, http.StatusGone, Frame{}, Problem{Kind: LinkSpent})
		return
	}
	c.begin(w, r, s)
	http.Redirect(w, r, listPath, http.StatusSeeOther)
}

// signOut ends the session on the server too.
func (v *visit) signOut() (answer, error) {
	return answer{to: signedOutPath, leave: true}, nil
}

// nothing answers what there is not.
func (v *visit) nothing() (answer, error) {
	return answer{page: Problem{Kind: NotFound}, status: http.StatusNotFound}, nil
}

// sentence makes a sentence of an error for people.
func sentence(problem string) string {
	if problem == "" {
		return ""
	}
	first, rest := problem[:1], problem[1:]
	return strings.ToUpper(first) + strings.TrimSuffix(rest, ".") + "."
}

// problemOf is what is wrong with a field, if err is about it.
func problemOf(err error, fields ...string) (problem string, about bool) {
	var invalid *keystore.InvalidError
	if !errors.As(err, &invalid) {
		return "", false
	}
	for _, field := range fields {
		if invalid.Field == field {
			return sentence(invalid.Problem), true
		}
	}
	return "", false
}
