package console

// Expiry is the choice of when a key ends: the fields "expires" and, for the
// choice "date", "date".
type Expiry struct {
	Choices []Choice
	Choice  string // the one that is chosen
	Date    string // 2006-01-02
	Min     string // the first date that makes sense
	Error   string
}

// Group is the choice with its place in a form.
func (e Expiry) Group() any { return e.group() }

func (e Expiry) group() group {
	return group{Field{e.Choice, e.Error}, "expires", "Expiry", "", e.Choices, e.Date, e.Min}
}

// problem is a line in the summary of what is wrong with a form.
type problem struct{ Name, Label, Error string }

// CreateKey is the form that makes a key. It posts to /console/keys.
type CreateKey struct {
	// Once is a token for one key: a second post with it makes none.
	Once string

	Name       Field
	Permission Field
	Expiry     Expiry
	Account    Field
	Workspace  Field
	Labels     Field

	// AskAccount and AskWorkspace are set for operators whose scope leaves them
	// open. What is not asked for is shown as the scope of the session.
	AskAccount, AskWorkspace bool

	// Problem is what went wrong with the form as a whole; "" for nothing.
	Problem string
}

func (CreateKey) page() string { return "create" }

// NameInput is the name with its place in the form; so are those below.
func (p CreateKey) NameInput() any {
	return input{p.Name, "name", "Name", "Say what will use it, such as “nightly import, production”. You can rename it at any time."}
}

// AccountInput asks for the account.
func (p CreateKey) AccountInput() any {
	return input{p.Account, "account", "Account", "Letters, digits, dots, dashes and underscores."}
}

// WorkspaceInput asks for the workspace.
func (p CreateKey) WorkspaceInput() any {
	return input{p.Workspace, "workspace", "Workspace", "The key works in this workspace alone."}
}

// LabelsInput asks for labels, one a line.
func (p CreateKey) LabelsInput() any { return input{p.Labels, "labels", "Labels", labelsHint} }

// PermissionGroup asks for the permission.
func (p CreateKey) PermissionGroup() any {
	return group{Field: p.Permission, Name: "permission", Label: "Permission",
		Hint: "Give it the least that it needs. You can lower it later, never raise it.", Choices: PermissionChoices()}
}

// Problems are the fields with something wrong, in the order of the form.
func (p CreateKey) Problems() (found []problem) {
	for _, f := range []problem{
		{"name", "Name", p.Name.Error}, {"account", "Account", p.Account.Error}, {"workspace", "Workspace", p.Workspace.Error},
		{"permission", "Permission", p.Permission.Error}, {"expires", "Expiry", p.Expiry.Error}, {"labels", "Labels", p.Labels.Error},
	} {
		if f.Error != "" {
			found = append(found, f)
		}
	}
	return found
}

// Revealer is a key's text: a type that shows itself only when asked by name.
type Revealer interface{ Reveal() string }

// ShownKey is the one page with a key's text. It is the answer to the POST that
// made the key; no URL leads to it.
type ShownKey struct {
	Key  KeyRow
	Text Revealer

	// TryURL is what the curl line calls.
	TryURL string

	// Old is set after a rotation: the key that was replaced.
	Old *OldKey
}

// OldKey is what becomes of the key that was rotated out.
type OldKey struct {
	ID, Name, Masked string
	Until            Moment // zero: it has ended
	RetireUnused     string // as in KeyPage
}

func (ShownKey) page() string { return "shown" }

// RepeatedForm answers a form that had made its key already.
type RepeatedForm struct{ ID, Name, Masked string }

func (RepeatedForm) page() string { return "repeated" }

// RotateKey is the form that rotates a key. It posts to /console/keys/ID/rotate.
type RotateKey struct {
	Key     KeyRow
	Once    string // as in CreateKey
	Overlap string // the chosen one of OverlapChoices
	Retire  string // the chosen one of RetireChoices
	Expiry  Expiry
	Problem string
}

func (RotateKey) page() string { return "rotate" }

// OverlapGroup asks how long the old key works on.
func (p RotateKey) OverlapGroup() any {
	return group{Field: Field{Value: p.Overlap}, Name: "overlap", Label: "How long the old key still works",
		Choices: OverlapChoices()}
}

// RetireGroup asks whether it may end before that.
func (p RotateKey) RetireGroup() any {
	return group{Field: Field{Value: p.Retire}, Name: "retire", Label: "The old key ends",
		Hint: "It never works for longer than the overlap.", Choices: RetireChoices()}
}

// ExpiryGroup asks when the new key ends.
func (p RotateKey) ExpiryGroup() any {
	g := p.Expiry.group()
	g.Label = "The new key expires"
	return g
}

// RevokeKey asks before a key is revoked. It posts to /console/keys/ID/revoke;
// the field "made" is set when the keys that it made shall end too.
type RevokeKey struct {
	Key      KeyRow
	Made     []KeyRow // the live keys that it made, directly or not: at most a handful
	MadeLive int
	EndMade  bool
	Reason   string
	Problem  string

	// Own is set if the reader is signed in with this key.
	Own bool
}

func (RevokeKey) page() string { return "revoke" }

// More is how many live keys are not in Made.
func (p RevokeKey) More() int { return max(0, p.MadeLive-len(p.Made)) }

// ReasonInput asks why.
func (p RevokeKey) ReasonInput() any {
	return input{Field{Value: p.Reason}, "reason", "Reason (optional)", "Kept in the audit log."}
}
