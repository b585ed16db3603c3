package main

import (
	"reflect"
	"slices"
	"testing"

	"github.com/antinium/keygate/admin"
)

func TestDifference(t *testing.T) {
	for _, row := range []struct {
		from, to map[string]string
		want     string
	}{
		{nil, nil, ""},
		{nil, map[string]string{"permission": "read", "name": "ci, main"}, `name="ci, main" permission=read`},
		{map[string]string{"name": "a", "expires_at": ""}, map[string]string{"name": "b->c", "expires_at": "2026"}, `expires_at=""->2026 name=a->"b->c"`},
		{map[string]string{"label": "x"}, nil, `label=x->`},
	} {
		if got := difference(row.from, row.to); got != row.want {
			t.Errorf("%v to %v: %s, want %s", row.from, row.to, got, row.want)
		}
	}
}

// The sheet has a column for every field that JSON has.
func TestSheetOfTheAudit(t *testing.T) {
	var fields []string
	for f := range reflect.TypeFor[admin.AuditEntry]().Fields() {
		fields = append(fields, f.Tag.Get("json"))
	}
	if !slices.Equal(auditColumns, fields) {
		t.Errorf("columns %q, fields %q", auditColumns, fields)
	}
	cells := auditCells(admin.AuditEntry{Seq: 7, Action: "update", To: map[string]string{"name": `=1,"2"`}})
	if got := cells[len(cells)-1]; got != `{"name":"=1,\"2\""}` || cells[0] != "7" || len(cells) != len(auditColumns) {
		t.Errorf("%q", cells)
	}
}
