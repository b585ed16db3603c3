package console

// UsagePage is how a key is used. The figures are in words already.
type UsagePage struct {
	Key       KeyRow
	Known     bool // false: there are no figures, and nothing below is set
	LastUsed  Moment
	FirstSeen Moment
	Peer      string // the last address that used it; "" when not kept
	Updated   string // how fresh the figures are, in words
	Hours     Chart
	Days      Chart
	Reasons   []Reason
}

func (UsagePage) page() string { return "usage" }

// Reason is a total.
type Reason struct {
	Name    string // "allowed", "expired", ... as in metrics and logs
	Words   string
	Allowed bool
	Count   string
}

// AuditPage is the audit log, the newest first.
type AuditPage struct {
	Entries []AuditEntry
	Pager   Pager
	KeyID   string // the filter, "" for none
	KeyName string // of that key, if it is known
	Error   string // what is wrong with the filter
	Kept    string // how long entries are kept: "400 days"
}

func (AuditPage) page() string { return "audit" }

// KeyInput is the field of the filter.
func (p AuditPage) KeyInput() any { return input{Field{p.KeyID, p.Error}, "key", "Key ID", ""} }

// AuditEntry is one change.
type AuditEntry struct {
	At        Moment
	Action    string // in words: "Key created"
	KeyID     string // "" where it is about no key
	KeyName   string
	Masked    string
	Who       Maker
	Address   string
	Claimed   string // what the caller said of itself
	Reason    string
	RequestID string
	Changes   []AuditChange
}

// AuditChange is a field that changed; "" is no value.
type AuditChange struct{ Field, From, To string }
