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
	ID         string              `json:"id" doc:"Not secret, and safe to log"`
	Name       string              `json:"name" doc:"What people call it"`
	Permission keystore.Permission `json:"permission" enum:"read,write,full,operator" doc:"What it may"`
	Account    Text                `json:"account" doc:"null: an operator key of every account"`
	Workspace  Text                `json:"workspace" doc:"null: an operator key of every workspace"`
	Prefix     string              `json:"prefix" doc:"First characters of the key's text"`
	Last4      string              `json:"last4" doc:"Last characters of the key's text"`
	Status     keystore.Status     `json:"status" enum:"active,retiring,disabled,expired,revoked" doc:"Checks let active and retiring keys pass"`
	CreatedAt  Time                `json:"created_at" nullable:"false" doc:"When it was made"`
	ExpiresAt  Time                `json:"expires_at" doc:"When it ends by itself; null: never"`
	RevokedAt  Time                `json:"revoked_at" doc:"null: it was not"`
	LastUsedAt Time                `json:"last_used_at" doc:"By a check; null: not seen yet"`
	CreatedBy  Text                `json:"created_by" doc:"Who made it: uid:1000 over the Unix socket, key: and an id otherwise; null: nobody knows"`
	Labels     Labels              `json:"labels" doc:"Values by name"`
	Replaces   Text                `json:"replaces" doc:"Id of the key that this one was rotated from"`
	ReplacedBy Text                `json:"replaced_by" doc:"Id of the key that this one was rotated to"`

	RetireWhenUnused Text `json:"retire_when_unused" doc:"A rotated key ends once it has not been used for so long; null: it does not"`
}

// NewKey shows a record as it stands at now, which should come from Store.Now.
func NewKey(r *keystore.Record, now time.Time) Key {
	return Key{
		ID: r.ID, Name: r.Name, Permission: r.Permission, Account: Text(r.Account), Workspace: Text(r.Workspace),
		Prefix: r.Prefix, Last4: r.Last4, Status: r.Status(now),
		CreatedAt: Time{r.CreatedAt}, ExpiresAt: Time{r.ExpiresAt}, RevokedAt: Time{r.RevokedAt},
		CreatedBy: Text(r.CreatedBy), Labels: r.Labels, Replaces: Text(r.Replaces), ReplacedBy: Text(r.ReplacedBy),
		RetireWhenUnused: durationText(r.RetireUnused),
	}
}

func durationText(d time.Duration) Text {
	if d == 0 {
		return ""
	}
	return Text(d.String())
}

// Text is a text on the wire that is null where there is none.
type Text string

// MarshalJSON writes the text, or null.
func (t Text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(t))
}

// UnmarshalJSON reads a text, or null.
func (t *Text) UnmarshalJSON(data []byte) error {
	var text *string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	if *t = ""; text != nil {
		*t = Text(*text)
	}
	return nil
}

// Schema describes the text in OpenAPI.
func (Text) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Nullable: true}
}

// Labels are the labels of a key: an object, empty where there are none.
type Labels map[string]string

// MarshalJSON writes {} for no labels.
func (l Labels) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("{}"), nil
	}
	return json.Marshal(map[string]string(l))
}

// shownKey is the one form in which a key's text leaves the server.
type shownKey struct {
	Key
	Text Text `json:"key" doc:"The key's text, shown this once. null where if_absent found a key that is there already"`
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
