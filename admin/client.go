package admin

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
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

// Client calls the admin API of a running server, over its Unix socket or, with a
// key, over TCP. Set the exported fields before the first call; after that it may
// be used from any number of goroutines.
//
// Every method returns *[APIError] if the server refused, *[UnreachableError] if
// there is no server to ask, and *[AnswerLostError] if a change was sent and no
// answer came.
type Client struct {
	Actor     string // who asks, as claimed; at most 200 printable characters
	Reason    string // why; at most 500 printable characters
	RequestID string // "" makes one up for every call

	socket string // or the URL of the server
	base   string // what paths are appended to
	key    keystore.Secret
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
	return &Client{socket: socket, base: "http://keygate", http: newHTTP(&http.Transport{DialContext: dial, DisableCompression: true})}
}

// newHTTP follows no redirect: it would take the key to wherever it leads.
func newHTTP(t *http.Transport) *http.Client {
	return &http.Client{
		Transport:     t,
		Timeout:       clientTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// NewRemoteClient makes a client for the server at an http or https URL, which
// it calls with a key. It does not connect yet. Plain http is refused but for
// this machine, since it would send the key in clear. Close it when done.
func NewRemoteClient(server string, key keystore.Secret) (*Client, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || strings.ContainsAny(server, "?#") {
		// Which is not shown: whoever puts a key anywhere puts it here.
		return nil, errors.New("that is not the URL of a server: write it like https://keys.example.com, without a path, a user or a key")
	}
	base := u.Scheme + "://" + u.Host
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return nil, errors.New("plain http would send the key in clear: use https, or a tunnel to 127.0.0.1")
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, &UnreachableError{Socket: base, Err: err}
		}
		return conn, nil
	}
	t := &http.Transport{DialContext: dial, DisableCompression: true, TLSHandshakeTimeout: 10 * time.Second}
	return &Client{socket: base, base: base, key: key, http: newHTTP(t)}, nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// keyPath is the route of a key. "", "." and ".." would be other routes; "-" is
// an id that no key has.
func keyPath(id string) string {
	if strings.Trim(id, ".") == "" {
		id = "-"
	}
	return "/v1/keys/" + url.PathEscape(id)
}

// send makes one call: body out, envelope in, data or a typed error. headers are
// names and values; an empty value is left out.
func send[T any](ctx context.Context, c *Client, method, path string, body any, headers ...string) (data T, err error) {
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return data, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] != "" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	status, answer, err := c.roundTrip(req)
	if err != nil {
		return data, c.broken(method, path, sent.Load(), err)
	}
	return open[T](c.socket, status, answer)
}

func (c *Client) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	content, media, err := encode(body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", media)
	}
	if text := c.key.Reveal(); text != "" {
		req.Header.Set("Authorization", "Bearer "+text)
	}
	return req, c.introduce(req.Header)
}

// encode writes a body; nil is none.
func encode(body any) (content []byte, media string, err error) {
	if lines, ok := body.(rawLines); ok {
		return lines, lineBody.media, nil
	}
	if body == nil {
		return nil, "", nil
	}
	var b bytes.Buffer
	err = writeJSON(&b, body)
	return b.Bytes(), jsonBody.media, err
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
			return &APIError{Status: http.StatusBadRequest, Code: codes[http.StatusBadRequest], Message: f.field + ": must hold printable characters only"}
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
		return data, &APIError{Status: status, Code: envelope.Err.Code, Message: envelope.Err.Message, ID: envelope.Err.ID}
	}
	if err != nil || !envelope.Success {
		what := "the admin socket"
		if strings.Contains(socket, "://") {
			what = "the admin.listen"
		}
		return data, fmt.Errorf("the answer from %s (status %d) is not one of keygate: is that %s of a server of this version?", socket, status, what)
	}
	return data, nil
}
