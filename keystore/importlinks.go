package keystore

import (
	"time"
)

// link checks what ties the key to others.
func (c *lineCheck) link(l *ImportLine, a *arrival) error {
	rec := a.rec
	rec.Replaces, rec.ReplacedBy = l.Replaces, l.ReplacedBy
	for _, f := range []struct{ field, id string }{{"replaces", rec.Replaces}, {"replaced_by", rec.ReplacedBy}} {
		if _, ok := parseLink(f.id); !ok || f.id != "" && f.id == l.ID {
			return invalid(f.field, "is not the id of another key")
		}
	}
	if rec.ReplacedBy != "" && rec.ExpiresAt.IsZero() {
		return invalid("expires_at", "must be given for a key that was replaced")
	}
	if err := c.maker(l, rec); err != nil {
		return err
	}
	return retirement(l, rec)
}

// maker is whoever imports, unless the caller may say otherwise: else a leaked
// key could import others and hide that it made them.
func (c *lineCheck) maker(l *ImportLine, rec *Record) error {
	rec.CreatedBy = l.CreatedBy
	switch {
	case l.CreatedBy != "" && !c.rights.Makers:
		return invalid("created_by", "can be given over the server's socket alone; without it, whoever imports has made the key")
	case l.CreatedBy != "":
		return printable("created_by", l.CreatedBy, MaxWho)
	case l.ID == "" || !c.rights.Makers:
		rec.CreatedBy = c.by.Actor
	}
	return nil
}

func retirement(l *ImportLine, rec *Record) error {
	if l.RetireUnused == "" {
		return nil
	}
	d, err := ParseDuration(l.RetireUnused)
	switch {
	case err != nil || d < minRetire || d > MaxOverlap:
		return invalid("retire_when_unused", "must be a duration between 1m and 30d")
	case rec.ReplacedBy == "":
		return invalid("retire_when_unused", "means nothing for a key that was not replaced")
	}
	rec.RetireUnused = d.Truncate(time.Millisecond)
	return nil
}
