package keystore

import "errors"

// Export returns up to limit (1-500) keys that the filter chooses, like List, as
// lines that AddToImport takes: all there is about them but their texts, which
// the store does not have. Under a pepper they can be imported by a store with
// the same one alone.
func (s *Store) Export(f Filter, after string, limit int) (lines []ImportLine, next string, err error) {
	records, next, err := s.List(f, after, limit)
	if err != nil {
		return nil, "", err
	}
	lines = make([]ImportLine, 0, len(records))
	err = s.view(func(tx *reader) error {
		for _, rec := range records {
			digest, rec, err := tx.byID(rec.ID)
			if errors.Is(err, ErrCorruptRecord) {
				continue // damaged since; List leaves them out too
			}
			if err != nil {
				return err
			}
			lines = append(lines, s.line(digest, rec))
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return lines, next, nil
}

// line is a record as a line of an import. Its zero fields are left out.
func (s *Store) line(digest Digest, rec *Record) ImportLine {
	l := ImportLine{
		PepperID: s.PepperID(), Digest: s.hasher.digestText(digest),
		ID: rec.ID, Name: rec.Name, Permission: rec.Permission.String(), Account: rec.Account, Workspace: rec.Workspace,
		Prefix: rec.Prefix, Last4: rec.Last4, CreatedAt: stamp(rec.CreatedAt), CreatedBy: rec.CreatedBy,
		ExpiresAt: stamp(rec.ExpiresAt), RevokedAt: stamp(rec.RevokedAt), Disabled: rec.Disabled, Labels: rec.Labels,
		Replaces: rec.Replaces, ReplacedBy: rec.ReplacedBy,
	}
	if rec.RetireUnused > 0 {
		l.RetireUnused = rec.RetireUnused.String()
	}
	return l
}
