package admin

import (
	"context"
	"errors"
	"net/http"

	"github.com/antinium/keygate/keystore"
)

// BeginImport begins an import: see keystore.Store.BeginImport.
func (k *Keyring) BeginImport(ctx context.Context, dryRun bool) (id string, err error) {
	what := changed{}
	defer func() { k.logChange(ctx, "begin-import", what, err) }()
	if !operators.admits(k.who) {
		return "", newFailure(http.StatusForbidden, operators.refusal())
	}
	if id, err = k.store.BeginImport(dryRun, k.by); err != nil {
		return "", err
	}
	what.to = "import " + id
	if dryRun {
		what.to += ", a dry run"
	}
	return id, nil
}

// addToImport judges lines and stores their keys.
func (k *Keyring) addToImport(id string, part []textLine) ([]ImportBad, error) {
	lines, unread := make([]keystore.ImportLine, len(part)), map[int]*keystore.BadLine{}
	for i, line := range part {
		var err error
		if lines[i], err = keystore.ParseImportLine(line.number, line.text); err == nil {
			continue
		}
		// A line that names no key is bad to the keystore too, and so the import
		// cannot be finished.
		lines[i] = keystore.ImportLine{Number: line.number}
		bad := &keystore.BadLine{Number: line.number, Problem: "cannot be read"}
		_ = errors.As(err, &bad)
		unread[line.number] = bad
	}
	found, err := k.store.AddToImport(id, lines, k.importRights(), k.by)
	if err != nil {
		return nil, err
	}
	bad := make([]ImportBad, len(found))
	for i, b := range found {
		if worse := unread[b.Number]; worse != nil {
			b = *worse
		}
		bad[i] = ImportBad{b.Number, problemOf(b)}
	}
	return bad, nil
}

func problemOf(b keystore.BadLine) string {
	if b.Field == "" {
		return b.Problem
	}
	return b.Field + ": " + b.Problem
}

// importRights are what the caller may import. Operator keys and a word about who
// made a key are the owner's alone; ids are for those who see every account, since
// they would tell others which ids there are.
func (k *Keyring) importRights() keystore.ImportRights {
	owner := k.who.Role == RoleOwner
	return keystore.ImportRights{Operator: owner, Makers: owner, May: func(r *keystore.Record) error {
		switch {
		case !k.who.covers(r.Account, r.Workspace):
			return &keystore.InvalidError{Field: "account", Problem: "this key imports into " + k.who.scopeText() + " only"}
		case r.ID != "" && !k.who.Wide():
			return &keystore.InvalidError{Field: "id", Problem: "can be given by an operator key of every account only; without it a new one is made"}
		}
		return nil
	}}
}

// FinishImport makes all keys of an import work.
func (k *Keyring) FinishImport(ctx context.Context, id string) (count int, err error) {
	what := changed{from: importText(id)}
	defer func() { k.logChange(ctx, "finish-import", what, err) }()
	if count, err = k.store.FinishImport(id, k.by); err != nil {
		return 0, err
	}
	what.to = plural(count, "key")
	return count, nil
}

// AbortImport removes what an import has brought.
func (k *Keyring) AbortImport(ctx context.Context, id string) (err error) {
	defer func() { k.logChange(ctx, "abort-import", changed{from: importText(id), to: "nothing"}, err) }()
	return k.store.AbortImport(id, k.by)
}

func importText(id string) string { return "import " + loggableID(id) }
