package console

import (
	"fmt"
	"slices"
	"strings"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/keystore"
)

const auditPath = "/console/audit"

// audit is who changed what, the newest first.
func (v *visit) audit() (answer, error) {
	query := v.r.URL.Query()
	p := AuditPage{KeyID: strings.TrimSpace(query.Get("key")), Kept: v.kept}
	if keystore.LooksLikeKey(p.KeyID, "") {
		return answer{to: auditPath, notice: keyInURL}, nil
	}
	if p.KeyID != "" && !isID(p.KeyID) {
		p.Error = "This is not the ID of a key: it has 26 characters, and stands on the key’s page."
		return refuse(p)
	}
	found, err := v.keys.Audit(admin.AuditFilter{KeyID: p.KeyID, Newest: true}, query.Get("before"), pageSize)
	if _, about := problemOf(err, "cursor"); about { // an address that somebody changed
		return answer{to: auditPath}, nil
	}
	if err != nil {
		return answer{}, err
	}
	if r := v.rowOf(p.KeyID); r != nil {
		p.KeyName = r.Name
	}
	for _, e := range found.Entries {
		p.Entries = append(p.Entries, v.entry(e))
	}
	next := ""
	if found.Next != nil {
		next = *found.Next
	}
	p.Pager = pager(auditPath, query, "before", next, fmt.Sprintf("%s on this page", plural(len(p.Entries), "entry", "entries")))
	return show(p)
}

// isID reports whether s has the form of an id.
func isID(s string) bool {
	return len(s) == 26 && strings.Trim(s, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == ""
}

// entry is a change in words.
func (v *visit) entry(e admin.AuditEntry) AuditEntry {
	shown := AuditEntry{
		At: second(e.At.Time), Action: actionWords(e.Action), KeyID: string(e.KeyID), Who: v.maker(string(e.Actor)), Address: string(e.Address),
		Claimed: string(e.Claimed), Reason: string(e.Reason), RequestID: string(e.RequestID), Changes: changesOf(e.From, e.To),
	}
	if r := v.rowOf(shown.KeyID); r != nil {
		shown.KeyName, shown.Masked = r.Name, r.Masked
	}
	return shown
}

// actions of the audit, in words.
var auditActions = map[string]string{
	"create": "Key created", "rename": "Key renamed", "revoke": "Key revoked", "rotate": "Key rotated", "retire": "Old key retired",
	"enable": "Key enabled", "disable": "Key disabled", "lower": "Permission lowered", "set-expiry": "Expiry changed", "label": "Labels changed",
	"update": "Key changed", "import": "Keys imported", "prune": "Old entries removed", "reset-clock": "Clock mark reset",
}

// actionWords are the words for an action; one that we do not know shows as it is.
func actionWords(action string) string {
	if words, known := auditActions[action]; known {
		return words
	}
	return action
}

// changesOf lists the fields that changed, by name.
func changesOf(from, to map[string]string) (changes []AuditChange) {
	for field := range to {
		changes = append(changes, AuditChange{fieldWords(field), from[field], to[field]})
	}
	for field := range from {
		if _, both := to[field]; !both {
			changes = append(changes, AuditChange{fieldWords(field), from[field], ""})
		}
	}
	slices.SortFunc(changes, func(a, b AuditChange) int { return strings.Compare(a.Field, b.Field) })
	return changes
}

// fieldWords is a field of the API as people say it: "expires at".
func fieldWords(field string) string {
	words := strings.ReplaceAll(field, "_", " ")
	return strings.ToUpper(words[:min(1, len(words))]) + words[min(1, len(words)):]
}
