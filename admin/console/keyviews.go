package console

// KeyRow is a key in one line.
type KeyRow struct {
	ID, Name    string
	Masked      string // "ant_...WXYZ"
	Permission  string // "read", "write", "full", "operator"
	Status      string // "active", "retiring", "disabled", "expired", "revoked"
	Account     string
	Workspace   string
	Created     Moment
	LastUsed    Moment // zero: not seen
	Expires     Moment // zero: never
	ExpiresSoon bool   // within 7 days, and still working
}

// Ended reports whether the key is done for good.
func (k KeyRow) Ended() bool { return k.Status == "expired" || k.Status == "revoked" }

// KeyList is Settings -> API Keys.
type KeyList struct {
	Filter KeyFilter
	Keys   []KeyRow
	Pager  Pager

	// AskAccount and AskWorkspace are set for operators whose scope leaves them
	// open: the list then has a column and filters for them.
	AskAccount, AskWorkspace bool
}

// KeyFilter is what the list was asked for; empty fields ask for everything.
type KeyFilter struct {
	Search     string // a part of the name, or the last 4 characters
	Status     string
	Permission string
	Account    string
	Workspace  string
}

// Any reports whether the filter leaves something out.
func (f KeyFilter) Any() bool { return f != KeyFilter{} }

func (KeyList) page() string { return "keys" }

// ShowScope reports whether the list has a column for what was left open.
func (l KeyList) ShowScope() bool { return l.AskAccount || l.AskWorkspace }

// ScopeTitle is the head of that column.
func (l KeyList) ScopeTitle() string {
	if l.AskAccount {
		return "Account / workspace"
	}
	return "Workspace"
}

// Statuses are what the list can be filtered by, and so are Permissions.
func (KeyList) Statuses() []Choice { return statuses }

// Permissions are those that a key can be made with here.
func (KeyList) Permissions() []Choice { return PermissionChoices() }

// KeyPage is all about one key. The forms on it post to
// /console/keys/ID/{rename,labels,expiry,permission,enable,disable} with the
// field "revision", so that a page that has become old changes nothing.
type KeyPage struct {
	Key       KeyRow
	Revision  string
	MadeBy    Maker
	Revoked   Moment
	OverlapTo Moment // of a retiring key: when it ends at the latest

	// RetireUnused is for how long a retiring key may go unused, in words: "24 h"; "" for as long as it likes.
	RetireUnused string

	Replaces, ReplacedBy *KeyRow
	Labels               []Label
	Usage                UsageSummary
	Made                 []KeyRow // living keys that it made, at most a handful
	MadeLive             int      // how many there are, with those that they made
	May                  KeyActions

	Rename       Field // each with the present value, or with what was wrong
	LabelsForm   Field // a line for each label
	Expiry       Expiry
	Lower        []Choice // what the permission can be lowered to
	LowerProblem string

	// Own is set on the page of the key that the reader is signed in with.
	Own bool
}

// KeyActions are what may be done with a key; the page offers nothing else.
type KeyActions struct{ Rename, Labels, Expiry, Lower, Disable, Enable, Rotate, Revoke bool }

// Label is a label of a key.
type Label struct{ Key, Value string }

// Maker is what made a key.
type Maker struct {
	Words string // "uid:1000", or the name of the key
	KeyID string // "" if no key made it, or one that the reader may not see
}

// UsageSummary is the usage of a key in a few figures.
type UsageSummary struct {
	Known           bool // false: there are no figures at all
	Allowed, Denied string
	Hours           Chart
}

func (KeyPage) page() string { return "key" }

// NameInput is the form to rename; so are the forms below.
func (p KeyPage) NameInput() any { return input{p.Rename, "name", "Name", ""} }

// LabelsInput is the text area with a line for each label.
func (p KeyPage) LabelsInput() any { return input{p.LabelsForm, "labels", "Labels", labelsHint} }

// LowerGroup are the permissions below the present one.
func (p KeyPage) LowerGroup() any {
	return group{Field: Field{Error: p.LowerProblem}, Name: "permission", Label: "Lower to",
		Hint: "This cannot be undone: a permission is never raised.", Choices: LowerPermissions(p.Key.Permission)}
}

const labelsHint = "One a line, as in env=production. At most 16."
