package keystore

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Change says what to change about a key. A nil field stays as it is.
type Change struct {
	Name       *string            // as in NewKey
	Expiry     *Expiry            // of a key that has not expired; of a retiring one only to an earlier end
	Enabled    *bool              // false: the key is refused until it is enabled again
	Labels     map[string]*string // nil as a value removes a label; labels that are not named stay
	Permission *Permission        // a lower level; never a higher one

	// IfRevision refuses the change with a *ConflictError unless the record is at
	// this revision; "" is any.
	IfRevision string
}

// Update changes a key, whole or not at all, with one audit record. Where the
// key is so already it does nothing, and says that it is done. A revoked key is
// a *RefusedError, and so is what can never be undone: a key that has expired
// gets no other expiry, and no key a higher permission.
func (s *Store) Update(id string, c Change, by By) (*Record, error) {
	clean, err := c.clean()
	if err != nil {
		return nil, err
	}
	return s.edit(id, by, func(w *writer, rec *Record) (changed bool, err error) {
		if c.IfRevision != "" && c.IfRevision != rec.Revision() {
			return false, &ConflictError{ID: id, Revision: rec.Revision()}
		}
		if !rec.RevokedAt.IsZero() {
			return false, &RefusedError{ID: id, Problem: "is revoked and cannot be " + clean.participle()}
		}
		before := *rec
		if err := clean.make(w, rec); err != nil {
			return false, err
		}
		from, to := differences(&before, rec)
		if len(to) == 0 {
			return false, nil
		}
		return true, w.log(actionOf(to), rec, from, to)
	})
}

// Rename gives a key another name and changes nothing else: see Update.
func (s *Store) Rename(id, name string, by By) (*Record, error) {
	return s.Update(id, Change{Name: &name}, by)
}

// clean checks what needs no record.
func (c Change) clean() (Change, error) {
	if c.Name != nil {
		name, err := cleanName(*c.Name)
		if err != nil {
			return c, err
		}
		c.Name = &name
	}
	if c.Permission != nil && !c.Permission.Valid() {
		return c, &InvalidError{Field: "permission", Problem: "must be read, write or full"}
	}
	return c, nil
}

// make changes the record.
func (c Change) make(w *writer, rec *Record) error {
	if c.Name != nil {
		rec.Name = *c.Name
	}
	if c.Enabled != nil {
		rec.Disabled = !*c.Enabled
	}
	return firstError(
		func() error { return c.lower(rec) },
		func() error { return c.relabel(rec) },
		func() error { return c.setExpiry(w, rec) },
	)
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (c Change) lower(rec *Record) error {
	if c.Permission == nil || *c.Permission == rec.Permission {
		return nil
	}
	switch {
	case !rec.Permission.isLevel():
		return &RefusedError{ID: rec.ID, Problem: "is an operator key and stays one; create a new key"}
	case !c.Permission.isLevel() || *c.Permission > rec.Permission:
		return &RefusedError{ID: rec.ID, Problem: fmt.Sprintf("has the permission %s, which can be lowered but never raised; create a new key", rec.Permission)}
	}
	rec.Permission = *c.Permission
	return nil
}

// relabel makes a new map: others may hold the old one.
func (c Change) relabel(rec *Record) error {
	if len(c.Labels) == 0 {
		return nil
	}
	labels := maps.Clone(rec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	for name, value := range c.Labels {
		if value == nil {
			delete(labels, name)
		} else {
			labels[name] = *value
		}
	}
	clean, err := cleanLabels(labels)
	rec.Labels = clean
	return err
}

func (c Change) setExpiry(w *writer, rec *Record) error {
	if c.Expiry == nil {
		return nil
	}
	if rec.expired(w.now) {
		return &RefusedError{ID: rec.ID, Problem: "has expired, which is never undone; create a new key"}
	}
	at, err := c.Expiry.from(w.now)
	if err != nil {
		return err
	}
	if rec.ReplacedBy != "" && (at.IsZero() || at.After(rec.ExpiresAt)) {
		return &RefusedError{ID: rec.ID, Problem: "was rotated and ends at " + stamp(rec.ExpiresAt) + ": its end can only be brought forward"}
	}
	rec.ExpiresAt = at
	return nil
}

// differences lists what a change made another, as the admin API spells it.
func differences(before, after *Record) (from, to fields) {
	from, to = fields{}, fields{}
	note := func(field, old, now string) {
		if old != now {
			from[field], to[field] = old, now
		}
	}
	note("name", before.Name, after.Name)
	note("permission", before.Permission.String(), after.Permission.String())
	note("enabled", fmt.Sprint(!before.Disabled), fmt.Sprint(!after.Disabled))
	note("expires_at", stamp(before.ExpiresAt), stamp(after.ExpiresAt))
	note("labels", labelText(before.Labels), labelText(after.Labels))
	return from, to
}

// actionOf names a change by the one field that it is about.
func actionOf(to fields) string {
	if len(to) > 1 {
		return "update"
	}
	for field, value := range to {
		switch {
		case field == "enabled" && value == "true":
			return "enable"
		case field == "enabled":
			return "disable"
		default:
			return changeWords[field].action
		}
	}
	return ""
}

// changeWords are the words for a change of a field: in the audit, and in a refusal.
var changeWords = map[string]struct{ action, participle string }{
	"name":       {"rename", "renamed"},
	"permission": {"lower", "given another permission"},
	"expires_at": {"set-expiry", "given another expiry"},
	"labels":     {"label", "labelled"},
}

// participle says what the change would do to the key.
func (c Change) participle() string {
	switch {
	case c.Name != nil:
		return changeWords["name"].participle
	case c.Enabled != nil && *c.Enabled:
		return "enabled"
	case c.Enabled != nil:
		return "disabled"
	case c.Expiry != nil:
		return changeWords["expires_at"].participle
	case c.Permission != nil:
		return changeWords["permission"].participle
	case len(c.Labels) > 0:
		return changeWords["labels"].participle
	}
	return "changed"
}

// labelText is "a=1,b=2", by rising name. A value that could be taken for
// several labels is quoted.
func labelText(labels map[string]string) string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(labels)) {
		if i > 0 {
			b.WriteByte(',')
		}
		value := labels[name]
		if strings.ContainsAny(value, `,="`) {
			value = strconv.Quote(value)
		}
		b.WriteString(name + "=" + value)
	}
	return b.String()
}
