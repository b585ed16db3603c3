package admin

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/antinium/keygate/keystore"
)

const (
	clientTimeout = 60 * time.Second // for a whole call
	maxAnswer     = 16 << 20         // bytes
)

// Client calls the admin API of a running server over its Unix socket. Set the
// exported fields before the first call; after that it may be used from any
// number of goroutines.
//
// Every method returns *[APIError] if the server refused, *[UnreachableError] if
// there is no server to ask, and *[AnswerLostError] if a change was sent and no
// answer came.
type Client struct {
	Actor     string // who asks, as claimed; at most 200 printable characters
	Reason    string // why; at most 500 printable characters
	RequestID string // "" makes one up for every call

	socket string
	http   *http.Client
}

// NewClient makes a client for the server that listens on socket. It does not
// connect yet. Close it when done.
func NewClient(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", socket)
		if err != nil {
			return nil, &UnreachableError{Socket: socket, Err: err}
		}
		return conn, nil
	}
	return &Client{socket: socket, http: &http.Client{
		Transport:     &http.Transport{DialContext: dial, DisableCompression: true},
		Timeout:       clientTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Create makes a key. The Secret is its text, which is not shown again.
func (c *Client) Create(ctx context.Context, k CreateRequest) (Key, keystore.Secret, error) {
	made, err := send[shownKey](ctx, c, http.MethodPost, "/v1/keys", k)
	return made.Key, keystore.NewSecret(made.Text), err
}

// List walks all keys that the filter lets pass, page by page, by creation. It
// ends after the first error, which comes with a zero Key.
func (c *Client) List(ctx context.Context, f keystore.Filter) iter.Seq2[Key, error] {
	return c.list(ctx, f, 0)
}

// list is List with a page size; 0 is the server's own.
func (c *Client) list(ctx context.Context, f keystore.Filter, limit int) iter.Seq2[Key, error] {
	return func(yield func(Key, error) bool) {
		for cursor := ""; ; {
			page, err := send[keyPage](ctx, c, http.MethodGet, "/v1/keys?"+listQuery(f, cursor, limit), nil)
			if err != nil {
				yield(Key{}, err)
				return
			}
			for _, k := range page.Keys {
				if !yield(k, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			if *page.Next == cursor { // or we would ask for ever
				yield(Key{}, fmt.Errorf("list keys: the server at %s sent the same page twice", c.socket))
				return
			}
			cursor = *page.Next
		}
	}
}

func listQuery(f keystore.Filter, cursor string, limit int) string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("account", f.Account)
	set("workspace", f.Workspace)
	set("status", string(f.Status))
	if f.Permission != 0 {
		set("permission", f.Permission.String())
	}
	set("cursor", cursor)
	if limit > 0 {
		set("limit", fmt.Sprint(limit))
	}
	return q.Encode()
}

// Get shows the key with this id.
func (c *Client) Get(ctx context.Context, id string) (Key, error) {
	return send[Key](ctx, c, http.MethodGet, keyPath(id), nil)
}

// Find shows the key with this text, which may be revoked or expired. It is a
// 404 *[APIError] if there is none; the message tells a cut or mistyped text from
// an unknown one.
func (c *Client) Find(ctx context.Context, text keystore.Secret) (Key, error) {
	return send[Key](ctx, c, http.MethodPost, "/v1/keys/find", findRequest{Key: text.Reveal()})
}

// Rename gives a key another name, and changes nothing else.
func (c *Client) Rename(ctx context.Context, id, name string) (Key, error) {
	return send[Key](ctx, c, http.MethodPatch, keyPath(id), RenameRequest{Name: name})
}

// Revoke ends a key for good. A check that begins after Revoke has returned is
// denied. Revoking twice gives the same answer.
func (c *Client) Revoke(ctx context.Context, id string) (Key, error) {
	return send[Key](ctx, c, http.MethodPost, keyPath(id)+"/revoke", struct{}{})
}

// Rotate replaces a key by a new one; the old one works on for the overlap.
func (c *Client) Rotate(ctx context.Context, id string, r RotateRequest) (Rotated, error) {
	made, err := send[rotatedKeys](ctx, c, http.MethodPost, keyPath(id)+"/rotate", r)
	return Rotated{Old: made.Old, New: made.New.Key, Text: keystore.NewSecret(made.New.Text)}, err
}

// Explain tells how the running server decides a request.
func (c *Client) Explain(ctx context.Context, r ExplainRequest) (Explanation, error) {
	asked := explainRequest{Method: r.Method, Path: r.Path}
	if text := r.Key.Reveal(); text != "" {
		asked.Key = &text
	}
	return send[Explanation](ctx, c, http.MethodPost, "/v1/explain", asked)
}

// Reload makes the server read its configuration again. A file that it refuses
// leaves the old one in force and is a 409 *[APIError] with all problems.
func (c *Client) Reload(ctx context.Context) (Reloaded, error) {
	return send[Reloaded](ctx, c, http.MethodPost, "/v1/reload", struct{}{})
}

// Health returns nil if the server answers, and with ready only if it can also
// answer checks.
func (c *Client) Health(ctx context.Context, ready bool) error {
	path := "/v1/health"
	if ready {
		path += "?ready=true"
	}
	_, err := send[health](ctx, c, http.MethodGet, path, nil)
	return err
}

// keyPath is the route of a key. "", "." and ".." would be other routes; "-" is
// an id that no key has.
func keyPath(id string) string {
	if strings.Trim(id, ".") == "" {
		id = "-"
	}
	return "/v1/keys/" + url.PathEscape(id)
}

// send makes one call: body out, envelope in, data or a typed error.
func send[T any](ctx context.Context, c *Client, method, path string, body any) (data T, err error) {
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return data, err
	}
	status, answer, err := c.roundTrip(req)
	if err != nil {
		return data, c.broken(method, path, sent.Load(), err)
	}
	return open[T](c.socket, status, answer)
}

func (c *Client) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content bytes.Buffer
	if body != nil {
		if err := writeJSON(&content, body); err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://keygate"+path, &content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, c.introduce(req.Header)
}

// introduce sets who asks and why. What no header can carry the server would
// refuse in the same words.
func (c *Client) introduce(h http.Header) error {
	id := c.RequestID
	if id == "" {
		id = rand.Text()
	}
	for _, f := range []struct{ header, field, value string }{
		{headerClaimed, "claimed", c.Actor}, {headerReason, "reason", c.Reason}, {headerRequestID, "request_id", id},
	} {
		if strings.ContainsFunc(f.value, unicode.IsControl) {
			return &APIError{http.StatusBadRequest, codes[http.StatusBadRequest], f.field + ": must hold printable characters only"}
		}
		if f.value != "" {
			h.Set(f.header, f.value)
		}
	}
	return nil
}

// roundTrip returns the whole answer.
func (c *Client) roundTrip(req *http.Request) (status int, answer []byte, err error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, answer, errors.Join(err, resp.Body.Close())
}

// open takes an answer out of its envelope.
func open[T any](socket string, status int, answer []byte) (data T, err error) {
	var envelope struct {
		Success bool            `json:"success"`
		Data    json.RawMessage `json:"data"`
		Err     problem         `json:"error"`
	}
	err = json.Unmarshal(answer, &envelope)
	switch {
	case err == nil && envelope.Success:
		err = json.Unmarshal(envelope.Data, &data)
	case err == nil && envelope.Err.Code != "":
		return data, &APIError{Status: status, Code: envelope.Err.Code, Message: envelope.Err.Message}
	}
	if err != nil || !envelope.Success {
		return data, fmt.Errorf("the answer from %s (status %d) is not one of keygate: is that the admin socket of a server of this version?", socket, status)
	}
	return data, nil
}
