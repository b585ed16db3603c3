package admin

import (
	"context"
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"github.com/antinium/keygate/keystore"
)

type exportInput struct {
	Cursor string `query:"cursor" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"Most lines of a page"`
}

type exportPage struct {
	Lines []exportLine `json:"lines" nullable:"false" doc:"Keys, as lines of an import have them: without empty fields"`
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
