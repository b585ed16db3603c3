package admin

import "github.com/antinium/keygate/keystore"

// CreateRequest asks for a new key.
type CreateRequest struct {
	Name       string  `json:"name" doc:"1-100 printable characters, not unique"`
	Permission string  `json:"permission" enum:"read,write,full"`
	Account    string  `json:"account,omitempty" doc:"default if left out"`
	Workspace  string  `json:"workspace,omitempty" doc:"default if left out"`
	Expires    *string `json:"expires,omitempty" doc:"A duration (30d), a date (its end in UTC), an RFC 3339 time, or never. Never if left out"`
}

// RenameRequest gives a key another name, and changes nothing else.
type RenameRequest struct {
	Name string `json:"name" doc:"1-100 printable characters, not unique"`
}

// RotateRequest replaces a key by a new one.
type RotateRequest struct {
	Overlap *string `json:"overlap,omitempty" doc:"How long the old key still works: a duration of 0 to 30d. 24h if left out"`
	Expires *string `json:"expires,omitempty" doc:"Of the new key, as in create. The old key's lifetime from now if left out"`
}

// Rotated is what a rotation made.
type Rotated struct {
	Old  Key
	New  Key
	Text keystore.Secret // of the new key
}

type rotatedKeys struct {
	Old Key      `json:"old"`
	New shownKey `json:"new"`
}

type keyPage struct {
	Keys []Key   `json:"keys" nullable:"false"`
	Next *string `json:"next" doc:"The cursor of the next page; null at the end"`
}

type findRequest struct {
	Key string `json:"key" doc:"The key's text"`
}

// ExplainRequest asks how a request would be decided.
type ExplainRequest struct {
	Method string
	Path   string          // the request target as a client sends it, with its query
	Key    keystore.Secret // the zero Secret: no key is presented
}

type explainRequest struct {
	Method string  `json:"method"`
	Path   string  `json:"path"`
	Key    *string `json:"key,omitempty" doc:"The key's text"`
}

// Explanation tells how a request is decided, and why.
type Explanation struct {
	Method        string `json:"method"`
	Path          string `json:"path"`           // as it was asked
	CanonicalPath string `json:"canonical_path"` // as the rules see it; empty if it was refused
	Rule          string `json:"rule"`           // the pattern, or "default" where no route covers the path
	Required      string `json:"required"`       // public, read, write, full, deny; empty if refused before the rules
	Reason        string `json:"reason"`         // as in metrics and logs; empty where a key would decide and none was given
	Problem       string `json:"problem"`        // why the request was refused before the rules, for people; empty if it was not
	Allowed       bool   `json:"allowed"`
	Key           *Key   `json:"key"`         // null without a key, or when nobody knows it
	KeyProblem    string `json:"key_problem"` // what is wrong with the key's text, for people; empty if nothing
}

// Reloaded tells what a reload did.
type Reloaded struct {
	Routes       int      `json:"routes"`                         // rules in force now
	Warnings     []string `json:"warnings" nullable:"false"`      // of check-config
	NeedsRestart []string `json:"needs_restart" nullable:"false"` // changed keys of the file that only a restart applies
}

type health struct {
	Status string `json:"status" enum:"ok"`
}
