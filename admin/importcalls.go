package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/antinium/keygate/keystore"
)

// importRoutes bring many keys at once, whole or not at all, and take all out.
func (s *Server) importRoutes() {
	const imports, one = "/v1/imports", "/v1/imports/{id}"
	change(s, endpoint{id: "begin-import", method: http.MethodPost, path: imports, access: operators, created: true,
		summary: "Begin an import of keys, of which there can be one at a time"}, s.beginImport)
	change(s, endpoint{id: "add-to-import", method: http.MethodPost, path: one + "/lines", access: operators, takes: &lineBody,
		summary: "Add lines to an import"}, s.addToImport)
	change(s, endpoint{id: "finish-import", method: http.MethodPost, path: one + "/finish", access: operators,
		summary: "Make all keys of an import work"}, s.finishImport)
	change(s, endpoint{id: "abort-import", method: http.MethodDelete, path: one, access: operators,
		summary: "Remove what an import has brought so far"}, s.abortImport)
	read(s, endpoint{id: "export", method: http.MethodGet, path: "/v1/export", access: wide,
		summary: "List keys as lines of an import: all but their texts"}, s.export)
}

// importPart is how many lines are handed on at once: it bounds the memory that a
// body of very short lines takes.
const importPart = 10_000

// maxBadLines is how many bad lines an answer tells of; of the others it has the number.
const maxBadLines = 1000

type importBegun struct {
	ID     string `json:"id"`
	DryRun bool   `json:"dry_run"`
}

type importAdded struct {
	Lines    int         `json:"lines" doc:"How many there were, without empty ones"`
	BadLines int         `json:"bad_lines" doc:"How many of them are bad. With one the import can only be aborted"`
	Bad      []ImportBad `json:"bad" nullable:"false" doc:"The first 1000 of them"`
}

// ImportBad tells what is wrong with a line of an import, without showing it.
type ImportBad struct {
	Line    int    `json:"line"`
	Problem string `json:"problem"`
}

type importDone struct {
	Imported int `json:"imported" doc:"How many keys work now, or would after a dry run"`
}

type importAborted struct {
	ID string `json:"id"`
}

type beginImportInput struct {
	Body *struct {
		DryRun bool `json:"dry_run,omitempty" doc:"Judge the lines, and import nothing"`
	}
}

func (s *Server) beginImport(ctx context.Context, in *beginImportInput) (importBegun, error) {
	dryRun := in.Body != nil && in.Body.DryRun
	id, err := s.keyring(ctx).BeginImport(ctx, dryRun)
	return importBegun{id, dryRun}, err
}

type importLinesInput struct {
	ID        string `path:"id"`
	FirstLine int    `query:"first_line" minimum:"1" default:"1" doc:"The number of the first line, for the problems in the answer"`
	RawBody   []byte `contentType:"application/x-ndjson" doc:"JSON objects, one a line. Empty lines are passed over, and counted"`
}

func (s *Server) addToImport(ctx context.Context, in *importLinesInput) (importAdded, error) {
	k, added := s.keyring(ctx), importAdded{Bad: []ImportBad{}}
	for part := range importParts(in.RawBody, in.FirstLine) {
		bad, err := k.addToImport(in.ID, part)
		if err != nil {
			return importAdded{}, err
		}
		added.Lines += len(part)
		added.BadLines += len(bad)
		added.Bad = append(added.Bad, bad[:min(len(bad), maxBadLines-len(added.Bad))]...)
	}
	return added, nil
}

// textLine is a line of a body.
type textLine struct {
	number int
	text   []byte
}

// importParts cuts a body into its lines, and these into parts.
func importParts(body []byte, first int) func(yield func([]textLine) bool) {
	return func(yield func([]textLine) bool) {
		part := make([]textLine, 0, min(importPart, 1+bytes.Count(body, []byte("\n"))))
		number := first
		for line := range bytes.Lines(body) {
			if text := bytes.TrimSpace(line); len(text) > 0 {
				part = append(part, textLine{number, text})
			}
			if number++; len(part) < importPart {
				continue
			}
			if !yield(part) {
				return
			}
			part = part[:0]
		}
		yield(part) // also an empty one: the import may be unknown
	}
}

func (s *Server) finishImport(ctx context.Context, in *idInput) (importDone, error) {
	count, err := s.keyring(ctx).FinishImport(ctx, in.ID)
	return importDone{count}, err
}

func (s *Server) abortImport(ctx context.Context, in *idInput) (importAborted, error) {
	return importAborted{in.ID}, s.keyring(ctx).AbortImport(ctx, in.ID)
}

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

type exportInput struct {
	Cursor string `query:"cursor" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

type exportPage struct {
	Lines []exportLine `json:"lines" nullable:"false"`
	Next  *string      `json:"next" doc:"The cursor of the next page; null at the end"`
}

// exportLine is a key as an import takes it.
type exportLine struct{ json.RawMessage }

// Schema describes the line in OpenAPI.
func (exportLine) Schema(huma.Registry) *huma.Schema {
	text := &huma.Schema{Type: huma.TypeString}
	fields := map[string]*huma.Schema{
		"disabled": {Type: huma.TypeBoolean},
		"labels":   {Type: huma.TypeObject, AdditionalProperties: text},
	}
	for _, name := range keystore.ImportFields() {
		if fields[name] == nil && name != "key" {
			fields[name] = text
		}
	}
	return &huma.Schema{Type: huma.TypeObject, Properties: fields, AdditionalProperties: false, Required: []string{"digest", "id", "name", "permission"}}
}

func (s *Server) export(ctx context.Context, in *exportInput) (exportPage, error) {
	lines, next, err := s.keyring(ctx).Export(in.Cursor, in.Limit)
	if err != nil {
		return exportPage{}, err
	}
	page := exportPage{Lines: make([]exportLine, len(lines)), Next: nextOf(next)}
	for i := range lines {
		page.Lines[i].RawMessage, _ = lines[i].MarshalJSON() // never fails
	}
	return page, nil
}

// nextOf is the cursor of the page behind, or null.
func nextOf(next string) *string {
	if next == "" {
		return nil
	}
	return &next
}

// Export returns a page of all keys that the caller may see, as lines of an import.
func (k *Keyring) Export(cursor string, limit int) (lines []keystore.ImportLine, next string, err error) {
	f, _, err := k.bound(keystore.Filter{})
	if err != nil {
		return nil, "", err
	}
	if err := k.checkCursor(cursor); err != nil {
		return nil, "", err
	}
	return k.store.Export(f, cursor, limit)
}
