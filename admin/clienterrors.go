package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"syscall"
)

// APIError is a refusal by the server. Its text is the server's message, which
// is made for people.
type APIError struct {
	Status  int    // of HTTP
	Code    string // such as NOT_FOUND
	Message string
	ID      string // of the key that a repeated call made the first time; "" otherwise
}

func (e *APIError) Error() string { return e.Message }

// UnreachableError tells that there is no server to ask at the socket. Nothing
// was sent.
type UnreachableError struct {
	Socket string
	Err    error
}

func (e *UnreachableError) Error() string {
	if strings.Contains(e.Socket, "://") {
		return fmt.Sprintf("no server at %s (%v): is admin.listen set there, and the address right?", e.Socket, e.Err)
	}
	const next = "start one with `keygate serve -c ...` or pass --socket"
	switch {
	case errors.Is(e.Err, fs.ErrNotExist):
		return fmt.Sprintf("no server at %s: %s", e.Socket, next)
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return fmt.Sprintf("no server at %s (the socket is there, but nobody listens on it any more): %s", e.Socket, next)
	case errors.Is(e.Err, fs.ErrPermission):
		return fmt.Sprintf("no permission to use %s: run as the user that owns it%s, or pass --socket", e.Socket, owner(e.Socket))
	case errors.Is(e.Err, syscall.EAGAIN):
		return fmt.Sprintf("the server at %s takes no more calls just now: try again", e.Socket)
	case errors.Is(e.Err, syscall.EINVAL):
		return fmt.Sprintf("no server can be at %s: the path is too long for a socket; pass --socket", e.Socket)
	}
	return fmt.Sprintf("no server at %s (%v): %s", e.Socket, e.Err, next)
}

// Unwrap returns what the system said.
func (e *UnreachableError) Unwrap() error { return e.Err }

// AnswerLostError tells that a change was sent and the connection broke, or time
// ran out, before the answer came: it may have been made or not.
type AnswerLostError struct {
	Next string // what to do
	Err  error
}

func (e *AnswerLostError) Error() string {
	return fmt.Sprintf("the answer was lost, and the change may have been made: %s (%v)", e.Next, e.Err)
}

// Unwrap returns why the answer was lost.
func (e *AnswerLostError) Unwrap() error { return e.Err }

// broken sorts an error of the connection. Its text leaves out the URL, which
// holds nothing that helps.
func (c *Client) broken(method, path string, sent bool, err error) error {
	var unreachable *UnreachableError
	if errors.As(err, &unreachable) {
		return unreachable
	}
	if cause := errors.Unwrap(err); cause != nil {
		err = cause
	}
	if next := afterLoss(method, path); sent && next != "" {
		return &AnswerLostError{Next: next, Err: err}
	}
	return fmt.Errorf("ask the server at %s: %w", c.socket, err)
}

// afterLoss says what to do when the answer to a change is lost; "" if the call
// changes nothing.
func afterLoss(method, path string) string {
	const look = "look with `keygate keys list`"
	switch {
	case method == http.MethodGet, path == "/v1/keys/find", path == "/v1/explain", path == "/v1/console-links":
		return ""
	case strings.HasPrefix(path, "/v1/imports/") && strings.HasSuffix(path, "/finish"):
		return look + " whether its keys are there: it is all of them or none"
	case strings.HasPrefix(path, "/v1/imports"):
		return "nothing was imported; wait a minute, and begin again"
	case path == "/v1/self/revoke":
		return "ask again: an answer that the key is refused tells that it has ended"
	case path == "/v1/reload":
		return "the server's log tells; or reload again"
	case path == "/v1/keys", strings.HasSuffix(path, "/rotate"):
		return look + ", and revoke a new key whose text nobody has"
	case strings.HasSuffix(path, "/revoke"):
		return look + ", or revoke again: that is safe"
	}
	return look
}

// owner names the owner of a file, as far as we may look.
func owner(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf(" (uid %d)", st.Uid)
}
