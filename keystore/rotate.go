package keystore

import (
	"fmt"
	"time"
)

// Rotation says how to replace a key.
type Rotation struct {
	Overlap *time.Duration // how long the old key keeps working; nil = DefaultOverlap; 0 = not at all; at most MaxOverlap
	Expiry  *Expiry        // of the new key; nil = the old key's lifetime, counted from now

	// RetireUnused ends the old key before the overlap does, once it has not been
	// used for so long; 0 is no such wish. EndUnused does it.
	RetireUnused time.Duration
	Once         string // as in NewKey
}

// Rotate makes a new key with the name, permission, account and workspace of
// an old one, and lets the old one end after the overlap, in no case later than
// it would have ended by itself. Only an active key without a successor
// rotates; any other is a *RefusedError. The text of the new key cannot be had
// again.
//
// A change happens whole or not at all: after a crash at any moment there are
// both records and their audit records, or none of them.
func (s *Store) Rotate(id string, r Rotation, by By) (old, fresh *Record, text Secret, err error) {
	overlap, err := r.overlap()
	if err != nil {
		return nil, nil, Secret{}, err
	}
	if err := r.check(overlap); err != nil {
		return nil, nil, Secret{}, err
	}
	if text, err = mintText(randomSource, s.prefix); err != nil {
		return nil, nil, Secret{}, err
	}
	err = s.apply(by, func(w *writer) error {
		if err := w.onlyOnce("rotate "+id, r.Once); err != nil {
			return err
		}
		if old, fresh, err = w.rotate(id, overlap, r, text); err != nil {
			return err
		}
		return w.noteOnce("rotate "+id, r.Once, fresh.ID)
	})
	if err != nil {
		return nil, nil, Secret{}, err
	}
	return old, fresh, text, nil
}

// minRetire keeps a key from being taken for unused between two flushes of the
// usage that is known of it.
const minRetire = time.Minute

func (r Rotation) check(overlap time.Duration) error {
	switch {
	case r.RetireUnused == 0:
	case r.RetireUnused < minRetire || r.RetireUnused > MaxOverlap:
		return &InvalidError{Field: "retire_when_unused", Problem: fmt.Sprintf("%s is not between 1 minute and 30 days", r.RetireUnused)}
	case overlap == 0:
		return &InvalidError{Field: "retire_when_unused", Problem: "means nothing without an overlap"}
	}
	return checkOnce(r.Once)
}

func (r Rotation) overlap() (time.Duration, error) {
	if r.Overlap == nil {
		return DefaultOverlap, nil
	}
	if *r.Overlap < 0 || *r.Overlap > MaxOverlap {
		return 0, &InvalidError{Field: "overlap", Problem: fmt.Sprintf("%s is not between 0 and 30 days", *r.Overlap)}
	}
	return r.Overlap.Truncate(time.Millisecond), nil
}

func (w *writer) rotate(id string, overlap time.Duration, r Rotation, text Secret) (old, fresh *Record, err error) {
	digest, current, err := w.byID(id)
	if err != nil {
		return nil, nil, err
	}
	if err := rotatable(current, w.now); err != nil {
		return nil, nil, err
	}
	retired, next := *current, successor(current, w.store.prefix)
	if next.ExpiresAt, err = successorExpiry(current, r.Expiry, w.now); err != nil {
		return nil, nil, err
	}
	if err := w.add(&next, text); err != nil {
		return nil, nil, err
	}
	retired.ReplacedBy, retired.RetireUnused = next.ID, r.RetireUnused.Truncate(time.Millisecond)
	retired.ExpiresAt = retiredExpiry(current, w.now.Add(overlap))
	if err := w.put(digest, &retired); err != nil {
		return nil, nil, err
	}
	return &retired, &next, w.logRotation(current, &retired, &next)
}

// rotatable refuses every key but an active one.
func rotatable(rec *Record, now time.Time) error {
	problem := ""
	switch rec.Status(now) {
	case Active:
		return nil
	case Retiring:
		problem = "was rotated already; its successor is " + rec.ReplacedBy
	default:
		problem = fmt.Sprintf("is %s and cannot be rotated; create a new one", rec.Status(now))
	}
	return &RefusedError{ID: rec.ID, Problem: problem}
}

func successor(rec *Record, prefix string) Record {
	return Record{
		Name: rec.Name, Permission: rec.Permission, Account: rec.Account, Workspace: rec.Workspace,
		Prefix: prefix, Replaces: rec.ID, Labels: rec.Labels,
	}
}

// successorExpiry gives the new key the old lifetime from now, or what was asked.
func successorExpiry(old *Record, asked *Expiry, now time.Time) (time.Time, error) {
	switch {
	case asked != nil:
		return asked.from(now)
	case old.ExpiresAt.IsZero():
		return time.Time{}, nil
	}
	return ExpiresIn(old.ExpiresAt.Sub(old.CreatedAt)).from(now)
}

func retiredExpiry(old *Record, end time.Time) time.Time {
	if !old.ExpiresAt.IsZero() && old.ExpiresAt.Before(end) {
		return old.ExpiresAt
	}
	return end
}

func (w *writer) logRotation(before, retired, next *Record) error {
	from := fields{"expires_at": stamp(before.ExpiresAt)}
	to := fields{"expires_at": stamp(retired.ExpiresAt), "replaced_by": next.ID}
	if retired.RetireUnused > 0 {
		to["retire_when_unused"] = retired.RetireUnused.String()
	}
	if err := w.log("rotate", retired, from, to); err != nil {
		return err
	}
	return w.log("create", next, nil, describe(next))
}
