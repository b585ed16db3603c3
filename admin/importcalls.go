package admin

import (
	"bytes"
	"context"
	"net/http"
)

// importRoutes bring many keys at once, whole or not at all, and take all out.
func (s *Server) importRoutes() {
	const imports, one = "/v1/imports", "/v1/imports/{id}"
	change(s, endpoint{id: "begin-import", method: http.MethodPost, path: imports, access: operators, created: true, refuses: conflict,
		summary: "Begin an import of keys, of which there can be one at a time"}, s.beginImport)
	change(s, endpoint{id: "add-to-import", method: http.MethodPost, path: one + "/lines", access: operators, takes: &lineBody, refuses: conflict,
		summary: "Add lines to an import"}, s.addToImport)
	change(s, endpoint{id: "finish-import", method: http.MethodPost, path: one + "/finish", access: operators, refuses: conflict,
		summary: "Make all keys of an import work"}, s.finishImport)
	change(s, endpoint{id: "abort-import", method: http.MethodDelete, path: one, access: operators, refuses: conflict,
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
	ID     string `json:"id" doc:"Of the import, for the calls that follow"`
	DryRun bool   `json:"dry_run" doc:"Lines are judged, and nothing is stored"`
}

type importAdded struct {
	Lines    int         `json:"lines" doc:"How many there were, without empty ones"`
	BadLines int         `json:"bad_lines" doc:"How many of them are bad. With one the import can only be aborted"`
	Bad      []ImportBad `json:"bad" nullable:"false" doc:"The first 1000 of them"`
}

// ImportBad tells what is wrong with a line of an import, without showing it.
type ImportBad struct {
	Line    int    `json:"line" doc:"Its number"`
	Problem string `json:"problem" doc:"Field and problem, for people"`
}

type importDone struct {
	Imported int `json:"imported" doc:"How many keys work now, or would after a dry run"`
}

type importAborted struct {
	ID string `json:"id" doc:"Of the import that is gone"`
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
	ID        string `path:"id" doc:"Of the import"`
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
