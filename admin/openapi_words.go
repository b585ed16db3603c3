package admin

import (
	"github.com/danielgtaylor/huma/v2"
)

// words are what the document says of a call beside its summary.
type words struct {
	tag   string
	about string // in Markdown
	gives string // what the answer holds
	found string // what an answer with 200 holds, where the usual one is another

	tagged bool     // the answer has an ETag
	id     string   // where in its data the id of something new is
	leads  []string // calls that take this id
}

const (
	tagKeys   = "Keys"
	tagCaller = "The caller"
	tagImport = "Import and export"
	tagAudit  = "The audit"
	tagServer = "The server"
)

// tags are the groups of calls, in the order in which people read them.
var tags = []*huma.Tag{
	{Name: tagKeys, Description: "Made, watched, changed, replaced and ended."},
	{Name: tagCaller, Description: "What every key may do with itself, and how people come to the console."},
	{Name: tagImport, Description: "Many keys at once, whole or not at all, and all of them out again."},
	{Name: tagAudit, Description: "Who changed what, from which to which, and why."},
	{Name: tagServer, Description: "How requests are decided, and whether they can be."},
}

var (
	callsOfKeys    = []string{"get", "update", "rotate", "usage", "revoke"}
	callsOfImports = []string{"add-to-import", "finish-import", "abort-import"}
)

// spoken are the words of each call, by its id.
var spoken = map[string]words{
	"create": {
		tag: tagKeys, tagged: true, id: "id", leads: callsOfKeys,
		about: "The text of the key is in `key` of this answer, and nowhere else ever again. A full key makes keys in its own workspace. " +
			"Operator keys are made over the Unix socket only.\n\n" +
			"With `if_absent`, a script that runs again finds the key that it made: by account, workspace and the label `id`. " +
			"The answer is then 200, and `key` is null. 409 where a key has that label id which the caller may not see.",
		gives: "The new key, with its text",
		found: "The key that was there already, with `if_absent`",
	},
	"list": {
		tag:   tagKeys,
		about: "The oldest first, unless asked otherwise. Filters hold all at once.\n\n409 if `unused` asks about a time when usage was not recorded yet.",
		gives: "A page of keys",
	},
	"find": {
		tag:   tagKeys,
		about: "For a key that turned up somewhere: whose is it? The text is in the body, so that no log of URLs keeps it.",
		gives: "The key",
	},
	"revoke-all": {
		tag: tagKeys,
		about: "For leak day. Name at least one of the three; keys are chosen by all that are named, as far as the caller may see them. " +
			"One transaction: all or none. Ask with `dry_run` first.",
		gives: "How many keys ended, or would have",
	},
	"get": {tag: tagKeys, tagged: true, about: "The `ETag` is its revision, for a change that must meet this very state.", gives: "The key"},
	"update": {
		tag: tagKeys, tagged: true,
		about: "What is left out stays as it is. The permission can be lowered and never be raised. " +
			"A disabled key is refused by every check until it is enabled again.\n\n" +
			"409 if the key has ended: expiry is never undone. 412 if `If-Match` names another state.",
		gives: "The key as it is now",
	},
	"revoke": {
		tag: tagKeys,
		about: "At once, and never undone; a second time gives the same answer. Keys that this one made work on, and `living` counts them, " +
			"unless `descendants` ends them too.",
		gives: "The revoked key",
	},
	"rotate": {
		tag: tagKeys, id: "new.id", leads: callsOfKeys,
		about: "Makes a new key with the name, permission, labels and lifetime of the old one, which works on for the overlap. " +
			"The new text is in `new.key` of this answer, and nowhere else ever again.\n\n409 if the key has ended or was rotated before.",
		gives: "The old key, and the new one with its text",
	},
	"usage": {
		tag: tagKeys, about: "Counted in memory and written every few seconds (`usage.flush_interval`). Hours and days without a check are left out.",
		gives: "What used the key",
	},
	"whoami": {tag: tagCaller, about: "Tells a program which key it holds, and when that expires.", gives: "Who calls"},
	"revoke-self": {
		tag: tagCaller, about: "For whoever finds a key: no other permission is wanted to end it. The next call with it is refused.", gives: "The revoked key",
	},
	"console-link": {
		tag: tagCaller,
		about: "For a product's backend: it makes a link for a person who is signed in there, and sends the browser to it. " +
			"The session sees what the caller sees, within the account and workspace that are named.\n\n503 if the server has no console.",
		gives: "The link",
	},
	"begin-import": {
		tag: tagImport, id: "id", leads: callsOfImports,
		about: "Keys that are imported work only once the import is finished. An import that is not finished is removed when the server starts again.\n\n409 if one is running.",
		gives: "The import",
	},
	"add-to-import": {
		tag: tagImport,
		about: "JSON objects, one a line, as `export` writes them: `key` (the text, read once and never stored) or `digest` (`sha256:` and hex), and `name`, " +
			"`permission`, `account`, `workspace`, `expires_at`, `labels` and more. At most 8 MiB a call. Bad lines are told by their number and never shown.\n\n" +
			"An `id` is taken from an operator key of every account only; operator keys and `created_by` from the Unix socket only.",
		gives: "How the lines were judged",
	},
	"finish-import": {tag: tagImport, about: "All keys work from the same moment. 409 if a line was bad: then abort it.", gives: "How many keys work now"},
	"abort-import":  {tag: tagImport, about: "None of its keys has ever worked.", gives: "The import that was removed"},
	"export": {
		tag:   tagImport,
		about: "Each line can be imported again, into a store with the same pepper or, if none is set, into any. Whoever has the digests cannot make keys of them.",
		gives: "A page of lines",
	},
	"audit":        {tag: tagAudit, about: "The oldest first, unless asked otherwise. Kept for 400 days (`audit.keep`).", gives: "A page of changes"},
	"verify-audit": {tag: tagAudit, about: "200 also if it is broken: see `sound`. Keep a `head` somewhere else; a later call with it finds an audit that was rewritten or cut.", gives: "What was found"},
	"explain":      {tag: tagServer, about: "Nothing is counted and nothing logged: a question leaves no trace in usage.", gives: "The decision, and why"},
	"reload":       {tag: tagServer, about: "As SIGHUP does. 409 if the file has problems: the message names each, and the old configuration stays.", gives: "What is in force now"},
	"health":       {tag: tagServer, about: "With `ready`, 503 until checks can be answered.", gives: "The server answers"},
}

// who says in words which callers a call admits.
func (a access) who() string {
	switch a {
	case anyone:
		return "anybody, without a key"
	case anyKey:
		return "every key that works"
	case managers:
		return "a full key for its own workspace, an operator key for its scope"
	case operators:
		return "an operator key, for its scope"
	case wide:
		return "an operator key of every account"
	}
	return "whoever can open the Unix socket"
}
