package console

import (
	"crypto/subtle"
	"errors"
	"net/http"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/keystore"
)

// maxForm is the size of the largest form, in bytes.
const maxForm = 64 << 10

// visit is one request of somebody who is signed in.
type visit struct {
	*Console
	r       *http.Request
	token   string // of the session
	session session
	who     admin.Principal
	keys    *admin.Keyring
}

// call answers a visit. An error becomes a page that says what went wrong.
type call func(*visit) (answer, error)

// answer is a page, or where to go instead.
type answer struct {
	page   Page
	status int // 0 is 200
	to     string
	notice string // said on the page that is gone to
	leave  bool   // takes the cookie back
}

func show(p Page) (answer, error) { return answer{page: p}, nil }

// refuse shows a form again, with what was wrong.
func refuse(p Page) (answer, error) {
	return answer{page: p, status: http.StatusUnprocessableEntity}, nil
}

// signedIn settles who asks, and for a form that it is one of ours, before it
// lets call answer.
func (c *Console) signedIn(do call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, problem := c.visit(w, r)
		if problem != nil && !errors.Is(problem, errForm) {
			c.turnAway(w, r, problem)
			return
		}
		a, err := tooOld()
		if problem == nil {
			a, err = do(v)
		}
		if err != nil {
			a = v.failed(err)
		}
		v.answer(w, a)
	}
}

// Why somebody is turned away.
var (
	errNoSession = errors.New("no session")
	errForm      = errors.New("the form is not one of this session")
)

// visit finds the session of a request and reads its form.
func (c *Console) visit(w http.ResponseWriter, r *http.Request) (*visit, error) {
	token := c.cookie(r)
	if token == "" {
		return nil, errNoSession
	}
	s, living := c.sessions.use(token)
	if !living {
		return nil, errSessionOver
	}
	who, err := c.recall(s, admin.AddressOf(r))
	if errors.Is(err, errSessionOver) {
		c.sessions.take(token)
	}
	if err != nil {
		return nil, err
	}
	v := &visit{Console: c, r: r, token: token, session: s, who: who}
	v.keys = v.keyring("")
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return v, nil
	}
	return v, v.readForm(w)
}

func (v *visit) readForm(w http.ResponseWriter) error {
	v.r.Body = http.MaxBytesReader(w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		return errForm
	}
	if subtle.ConstantTimeCompare([]byte(v.form("csrf")), []byte(v.session.csrf)) != 1 {
		return errForm
	}
	return nil
}

// form is a field that was posted. What stands in the query is none.
func (v *visit) form(name string) string { return v.r.PostForm.Get(name) }

// echo is a field that may be shown again: a key's text that somebody pasted
// into it may not.
func (v *visit) echo(name string) string {
	value := v.form(name)
	if keystore.LooksLikeKey(value, "") {
		return ""
	}
	return value
}

// keyring is that of the visitor. The audit says that it was the console, and why.
func (v *visit) keyring(reason string) *admin.Keyring {
	by := admin.ClaimsOf(v.r.Header, v.who)
	by.Reason = reason
	if by.Claimed == "" {
		by.Claimed = "console"
	}
	return v.server.Keyring(v.who, by)
}

// tooOld answers a form that is not one of the session.
func tooOld() (answer, error) {
	return answer{page: Problem{Kind: FormTooOld}, status: http.StatusForbidden}, nil
}

// turnAway answers who has no session.
func (c *Console) turnAway(w http.ResponseWriter, r *http.Request, why error) {
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case errors.Is(why, errNoSession) && reading:
		http.Redirect(w, r, signInPath, http.StatusSeeOther)
	case errors.Is(why, errNoSession), errors.Is(why, errSessionOver):
		c.setCookie(w, "")
		c.send(w, http.StatusForbidden, Frame{}, Problem{Kind: SessionEnded})
	default:
		c.log.Error("console: who has signed in cannot be looked up", "error", why)
		c.send(w, http.StatusServiceUnavailable, Frame{}, Problem{Kind: WentWrong})
	}
}

// failed is the page for an error of the keyring.
func (v *visit) failed(err error) answer {
	p := Problem{Kind: kindOf(err), RequestID: v.r.Header.Get("X-Request-Id")}
	status := admin.StatusOf(err)
	if status >= http.StatusInternalServerError {
		v.log.Error("console: a call failed", "method", v.r.Method, "route", v.r.Pattern, "error", err)
	}
	if keystore.LooksLikeKey(p.RequestID, "") {
		p.RequestID = ""
	}
	if id := v.r.PathValue("id"); p.Kind == Changed {
		p.Back = keyPath(id)
	}
	if p.Kind != NotFound && p.Kind != Changed && status != http.StatusInternalServerError {
		p.Detail = sentence(admin.MessageOf(err, v.r.Method == http.MethodPost))
	}
	return answer{page: p, status: status}
}

func kindOf(err error) ProblemKind {
	var conflict *keystore.ConflictError
	switch status := admin.StatusOf(err); {
	case errors.As(err, &conflict):
		return Changed
	case status == http.StatusNotFound:
		return NotFound
	case status < http.StatusInternalServerError:
		return Forbidden
	}
	return WentWrong
}

// answer sends what call decided on.
func (v *visit) answer(w http.ResponseWriter, a answer) {
	if a.leave {
		v.sessions.take(v.token)
		v.setCookie(w, "")
	}
	if a.to != "" {
		v.sessions.change(v.token, func(s *session) { s.notice = a.notice })
		http.Redirect(w, v.r, a.to, http.StatusSeeOther)
		return
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	v.send(w, a.status, v.frame(a.page), a.page)
}

// frame is what is around a page; a notice is said once.
func (v *visit) frame(page Page) Frame {
	section := "keys"
	if _, isAudit := page.(AuditPage); isAudit {
		section = "audit"
	}
	if v.session.notice != "" {
		v.sessions.change(v.token, func(s *session) { s.notice = "" })
	}
	name := v.session.name
	if own := v.rowOf(v.who.KeyID); own != nil {
		name = own.Name // it may have been renamed
	}
	return Frame{
		Token: v.session.csrf, Notice: v.session.notice,
		SignedIn: &SignedIn{Name: name, Masked: v.session.masked, Account: v.who.Account, Workspace: v.who.Workspace, Section: section},
	}
}

// send renders a page and sends it, or says that it could not.
func (c *Console) send(w http.ResponseWriter, status int, frame Frame, page Page) {
	html, err := c.pages.Render(frame, page)
	if err != nil {
		c.log.Error("console: a page could not be made", "page", page.page(), "error", err)
		http.Error(w, "This page could not be made; the log of the server says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(html)
}
