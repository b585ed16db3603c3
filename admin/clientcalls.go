package admin

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/antinium/keygate/keystore"
)

// Create makes a key. The Secret is its text, which is not shown again.
func (c *Client) Create(ctx context.Context, k CreateRequest) (Key, keystore.Secret, error) {
	made, err := send[shownKey](ctx, c, http.MethodPost, "/v1/keys", k, headerOnce, k.IdempotencyKey)
	return made.Key, keystore.NewSecret(string(made.Text)), err
}

// ListFilter chooses keys; a zero field chooses any.
type ListFilter struct {
	Account, Workspace string
	Status             keystore.Status
	Permission         keystore.Permission
	Labels             string // "a=1,b=2": all of them
	Name               string // what the name begins with
	Last4              string
	Expiring           string // a duration: keys that end within it
	Unused             string // a duration: keys that were not used for so long
	Newest             bool
}

// List walks all keys that the filter lets pass, page by page, by creation. It
// ends after the first error, which comes with a zero Key.
func (c *Client) List(ctx context.Context, f ListFilter) iter.Seq2[Key, error] {
	return c.list(ctx, f, 0)
}

// list is List with a page size; 0 is the server's own.
func (c *Client) list(ctx context.Context, f ListFilter, limit int) iter.Seq2[Key, error] {
	return pages(c, "list keys", func(cursor string) ([]Key, *string, error) {
		page, err := send[keyPage](ctx, c, http.MethodGet, "/v1/keys?"+listQuery(f, cursor, limit), nil)
		return page.Keys, page.Next, err
	})
}

// pages walks over all pages. It ends after the first error, which comes with a
// zero item.
func pages[T any](c *Client, what string, page func(cursor string) (items []T, next *string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for cursor := ""; ; {
			items, next, err := page(cursor)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == nil {
				return
			}
			if *next == cursor { // or we would ask for ever
				yield(none, fmt.Errorf("%s: the server at %s sent the same page twice", what, c.socket))
				return
			}
			cursor = *next
		}
	}
}

// setter sets the values of a query that are not empty.
func setter(q url.Values) func(name, value string) {
	return func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
}

func listQuery(f ListFilter, cursor string, limit int) string {
	q := url.Values{}
	set := setter(q)
	set("account", f.Account)
	set("workspace", f.Workspace)
	set("status", string(f.Status))
	if f.Permission != 0 {
		set("permission", f.Permission.String())
	}
	set("label", f.Labels)
	set("name", f.Name)
	set("last4", f.Last4)
	set("expiring", f.Expiring)
	set("unused", f.Unused)
	if f.Newest {
		set("newest", "true")
	}
	set("cursor", cursor)
	if limit > 0 {
		set("limit", fmt.Sprint(limit))
	}
	return q.Encode()
}

// Get shows the key with this id.
func (c *Client) Get(ctx context.Context, id string) (KeyDetail, error) {
	return send[KeyDetail](ctx, c, http.MethodGet, keyPath(id), nil)
}

// Find shows the key with this text, which may be revoked or expired. It is a
// 404 *[APIError] if there is none; the message tells a cut or mistyped text from
// an unknown one.
func (c *Client) Find(ctx context.Context, text keystore.Secret) (Key, error) {
	return send[Key](ctx, c, http.MethodPost, "/v1/keys/find", findRequest{Key: text.Reveal()})
}

// Rename gives a key another name, and changes nothing else.
func (c *Client) Rename(ctx context.Context, id, name string) (KeyDetail, error) {
	return c.Update(ctx, id, UpdateRequest{Name: &name})
}

// Update changes a key, whole or not at all.
func (c *Client) Update(ctx context.Context, id string, u UpdateRequest) (KeyDetail, error) {
	match := ""
	if u.IfMatch != "" {
		match = quoteTag(u.IfMatch)
	}
	return send[KeyDetail](ctx, c, http.MethodPatch, keyPath(id), u, headerMatch, match)
}

// Revoke ends a key for good, and with descendants all that it made. A check
// that begins after Revoke has returned is denied. Revoking twice gives the same
// answer.
func (c *Client) Revoke(ctx context.Context, id string, descendants bool) (Revocation, error) {
	return send[Revocation](ctx, c, http.MethodPost, keyPath(id)+"/revoke", revokeRequest{descendants})
}

// RevokeAll ends all keys of an account or a workspace, or made before a time.
func (c *Client) RevokeAll(ctx context.Context, r RevokeAllRequest) (RevokedAll, error) {
	return send[RevokedAll](ctx, c, http.MethodPost, "/v1/keys/revoke", r)
}

// RevokeSelf ends the key that the client calls with.
func (c *Client) RevokeSelf(ctx context.Context) (Key, error) {
	return send[Key](ctx, c, http.MethodPost, "/v1/self/revoke", struct{}{})
}

// Whoami tells who calls and what that may do.
func (c *Client) Whoami(ctx context.Context) (Whoami, error) {
	return send[Whoami](ctx, c, http.MethodGet, "/v1/whoami", nil)
}

// Usage tells what uses a key.
func (c *Client) Usage(ctx context.Context, id string) (KeyUsage, error) {
	return send[KeyUsage](ctx, c, http.MethodGet, keyPath(id)+"/usage", nil)
}

// Audit walks over the changes that the filter chooses, page by page. It ends
// after the first error, which comes with a zero AuditEntry.
func (c *Client) Audit(ctx context.Context, f AuditFilter) iter.Seq2[AuditEntry, error] {
	return pages(c, "read the audit", func(cursor string) ([]AuditEntry, *string, error) {
		page, err := send[AuditPage](ctx, c, http.MethodGet, "/v1/audit?"+f.query(cursor), nil)
		return page.Entries, page.Next, err
	})
}

func (f AuditFilter) query(cursor string) string {
	q := url.Values{}
	set := setter(q)
	set("key", f.KeyID)
	set("account", f.Account)
	set("workspace", f.Workspace)
	if !f.Since.IsZero() {
		set("since", f.Since.UTC().Format(time.RFC3339Nano))
	}
	if f.Newest {
		set("newest", "true")
	}
	set("limit", "500")
	set("cursor", cursor)
	return q.Encode()
}

// ConsoleLink makes a link that signs in to the console once.
func (c *Client) ConsoleLink(ctx context.Context, r ConsoleLinkRequest) (ConsoleLink, error) {
	return send[ConsoleLink](ctx, c, http.MethodPost, "/v1/console-links", r)
}

// Rotate replaces a key by a new one; the old one works on for the overlap.
func (c *Client) Rotate(ctx context.Context, id string, r RotateRequest) (Rotated, error) {
	made, err := send[rotatedKeys](ctx, c, http.MethodPost, keyPath(id)+"/rotate", r, headerOnce, r.IdempotencyKey)
	return Rotated{Old: made.Old, New: made.New.Key, Text: keystore.NewSecret(string(made.New.Text))}, err
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

// VerifyAudit tells whether the audit is whole, and holds a head that was
// written down; "" asks for no head.
func (c *Client) VerifyAudit(ctx context.Context, head string) (AuditVerdict, error) {
	path := "/v1/audit/verify"
	if head != "" {
		path += "?head=" + url.QueryEscape(head)
	}
	return send[AuditVerdict](ctx, c, http.MethodGet, path, nil)
}
