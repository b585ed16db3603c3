package admin

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/antinium/keygate/keystore"
)

// Key is a key as the API shows it. All fields are always present; a time that
// there is none of is null. Nothing in it is secret, and ids are safe to log.
type Key struct {
	ID         string              `json:"id"`
	Name       string              `json:"name"`
	Permission keystore.Permission `json:"permission" enum:"read,write,full"`
	Account    string              `json:"account"`
	Workspace  string              `json:"workspace"`
	Prefix     string              `json:"prefix" doc:"First characters of the key's text"`
	Last4      string              `json:"last4" doc:"Last characters of the key's text"`
	Status     keystore.Status     `json:"status" enum:"active,retiring,disabled,expired,revoked"`
	CreatedAt  Time                `json:"created_at"`
	ExpiresAt  Time                `json:"expires_at" doc:"null: never"`
	RevokedAt  Time                `json:"revoked_at" doc:"null: not revoked"`
}

// NewKey shows a record as it stands at now, which should come from Store.Now.
func NewKey(r *keystore.Record, now time.Time) Key {
	return Key{
		ID: r.ID, Name: r.Name, Permission: r.Permission, Account: r.Account, Workspace: r.Workspace,
		Prefix: r.Prefix, Last4: r.Last4, Status: r.Status(now),
		CreatedAt: Time{r.CreatedAt}, ExpiresAt: Time{r.ExpiresAt}, RevokedAt: Time{r.RevokedAt},
	}
}

// shownKey is the one form in which a key's text leaves the server.
type shownKey struct {
	Key
	Text string `json:"key" doc:"The key's text. Shown this once."`
}

// Time is a time on the wire: RFC 3339 in UTC with milliseconds, null when zero.
type Time struct{ time.Time }

const wireTime = "2006-01-02T15:04:05.000Z07:00"

// MarshalJSON writes the time in UTC, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(t.UTC().Format(wireTime))
}

// UnmarshalJSON reads an RFC 3339 time, or null.
func (t *Time) UnmarshalJSON(data []byte) error {
	*t = Time{}
	var text *string
	if err := json.Unmarshal(data, &text); err != nil || text == nil {
		return err
	}
	parsed, err := time.Parse(time.RFC3339Nano, *text)
	if err != nil {
		return fmt.Errorf("read a time: %w", err)
	}
	*t = Time{parsed.UTC()}
	return nil
}

// Schema describes the time in OpenAPI.
func (Time) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Nullable: true}
}
