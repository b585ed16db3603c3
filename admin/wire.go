package admin

import "github.com/antinium/keygate/keystore"

// CreateRequest asks for a new key.
type CreateRequest struct {
	Name       string  `json:"name" doc:"Printable characters, trimmed. Need not be unique"`
	Permission string  `json:"permission" enum:"read,write,full,operator" doc:"operator is for keys that call this API: made over the Unix socket only, and let pass by no check"`
	Account    string  `json:"account,omitempty" doc:"If left out: the caller's, else default. Of an operator key: every account"`
	Workspace  string  `json:"workspace,omitempty" doc:"If left out: the caller's, else default. Of an operator key: every workspace of the account"`
	Expires    *string `json:"expires,omitempty" doc:"A duration (30d), a date (its end in UTC), an RFC 3339 time, or never. Never if left out"`

	Labels   map[string]string `json:"labels,omitempty" doc:"At most 16. A name is 1-63 of A-Z a-z 0-9 . _ / -, a value up to 100 printable characters. The label id is what if_absent looks for"`
	IfAbsent bool              `json:"if_absent,omitempty" doc:"Make no key if one of this account and workspace with the same label id has not come to its end: then 200 and that key, without its text"`

	IdempotencyKey string `json:"-"` // sent as a header
}

// UpdateRequest changes a key: what is left out stays as it is.
type UpdateRequest struct {
	Name       *string            `json:"name,omitempty" doc:"Printable characters, trimmed. Need not be unique"`
	Expires    *string            `json:"expires,omitempty" doc:"As in create. Refused for a key that has expired"`
	Enabled    *bool              `json:"enabled,omitempty" doc:"false: every check refuses the key until it is true again"`
	Permission *string            `json:"permission,omitempty" enum:"read,write,full" doc:"A lower level. A higher one is refused"`
	Labels     map[string]*string `json:"labels,omitempty" doc:"Labels to set; null removes one. Those that are not named stay"`

	IfMatch string `json:"-"` // revision, sent as a header; "" is any
}

// RotateRequest replaces a key by a new one.
type RotateRequest struct {
	Overlap *string `json:"overlap,omitempty" doc:"How long the old key still works: a duration of 0 to 30d. 24h if left out"`
	Expires *string `json:"expires,omitempty" doc:"Of the new key, as in create. The old key's lifetime from now if left out"`

	RetireWhenUnused *string `json:"retire_when_unused,omitempty" doc:"End the old key once it has not been used for so long, a duration of 1m to 30d, and at the latest when the overlap ends"`

	IdempotencyKey string `json:"-"` // sent as a header
}

type revokeRequest struct {
	Descendants bool `json:"descendants,omitempty" doc:"Also end every key that this one made, and that those made"`
}

// Revocation tells what a revocation did.
type Revocation struct {
	Key
	Descendants int `json:"descendants" doc:"Keys that ended beside it since it had made them"`
	Living      int `json:"living" doc:"Keys that it made, or that those made, which still work"`
}

// RevokeAllRequest ends all keys of an account or a workspace, or all that were
// made before a time. At least one of the three is wanted.
type RevokeAllRequest struct {
	Account       string `json:"account,omitempty" doc:"Keys of this account"`
	Workspace     string `json:"workspace,omitempty" doc:"Keys of this workspace; without an account, of the caller's, or else of every account"`
	CreatedBefore Time   `json:"created_before,omitempty,omitzero" nullable:"false" doc:"Keys made before"`
	DryRun        bool   `json:"dry_run,omitempty" doc:"Count, and change nothing"`
}

// RevokedAll tells how many keys ended, or would have.
type RevokedAll struct {
	Count  int  `json:"count" doc:"Keys that ended, or would have"`
	DryRun bool `json:"dry_run" doc:"true: nothing was changed"`
}

// KeyDetail is a key and what is known around it.
type KeyDetail struct {
	Key
	Made int `json:"made" doc:"Living keys that it made, and that those made"`
}

// Whoami tells who calls and what that may do.
type Whoami struct {
	Role      Role `json:"role" enum:"owner,operator,manager,holder" doc:"As the introduction tells under Who calls"`
	Actor     Text `json:"actor" nullable:"false" doc:"As the audit has it: key: and an id, or uid:1000 over the Unix socket"`
	Account   Text `json:"account" doc:"null: every account"`
	Workspace Text `json:"workspace" doc:"null: every workspace"`
	Key       *Key `json:"key" doc:"The key that was presented; null over the Unix socket"`
}

// ConsoleLinkRequest asks for a link that signs somebody in to the console once.
type ConsoleLinkRequest struct {
	Account   string `json:"account,omitempty" doc:"What the session may see; the caller's if left out"`
	Workspace string `json:"workspace,omitempty" doc:"The caller's if left out, or else every workspace of the account"`
}

// ConsoleLink is a link that signs in once.
type ConsoleLink struct {
	URL       string `json:"url" doc:"Open it in a browser. It works once"`
	ExpiresAt Time   `json:"expires_at" nullable:"false" doc:"When it stops working"`
}

// Rotated is what a rotation made.
type Rotated struct {
	Old  Key
	New  Key
	Text keystore.Secret // of the new key
}

type rotatedKeys struct {
	Old Key      `json:"old" doc:"The key that was replaced"`
	New shownKey `json:"new" doc:"The key that replaces it, with its text"`
}

type keyPage struct {
	Keys []Key   `json:"keys" nullable:"false" doc:"As many as limit says, or fewer at the end"`
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
	Method string  `json:"method" doc:"Of the request"`
	Path   string  `json:"path" doc:"The request target as a client sends it, with its query"`
	Key    *string `json:"key,omitempty" doc:"The key's text; left out, none is presented"`
}

// Explanation tells how a request is decided, and why.
type Explanation struct {
	Method        string `json:"method" doc:"As it was asked"`
	Path          string `json:"path" doc:"As it was asked"`
	CanonicalPath string `json:"canonical_path" doc:"As the rules see it; empty if it was refused"`
	Rule          string `json:"rule" doc:"The pattern, or default where no route covers the path"`
	Required      string `json:"required" doc:"public, read, write, full or deny; empty if the request was refused before the rules"`
	Reason        string `json:"reason" doc:"As in metrics and logs; empty where a key would decide and none was given"`
	Problem       string `json:"problem" doc:"Why the request was refused before the rules, for people; empty if it was not"`
	Allowed       bool   `json:"allowed" doc:"Whether the request passes"`
	Key           *Key   `json:"key" doc:"null: none was given, or nobody knows it"`
	KeyProblem    string `json:"key_problem" doc:"What is wrong with the key's text, for people; empty if nothing"`
}

// Reloaded tells what a reload did.
type Reloaded struct {
	Routes       int      `json:"routes" doc:"Rules in force now"`
	Warnings     []string `json:"warnings" nullable:"false" doc:"As check-config says them"`
	NeedsRestart []string `json:"needs_restart" nullable:"false" doc:"Fields of the file that have changed and that only a restart applies"`
}

type health struct {
	Status string `json:"status" enum:"ok" doc:"Anything else is a refusal"`
}
