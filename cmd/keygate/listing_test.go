package main

import (
	"encoding/csv"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/keystore"
)

// A key's owner names it, and somebody else opens the sheet.
func TestCellsAreNoFormulas(t *testing.T) {
	for _, s := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x"} {
		if got := safeCell(s); got != "'"+s {
			t.Errorf("%q became %q", s, got)
		}
	}
	for _, s := range []string{"", "a=1", "ci, main", "'x", "{}", "7-1"} {
		if got := safeCell(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

// The sheet has a column for every field that JSON has, and any CSV reader gets the values back.
func TestSheetOfKeys(t *testing.T) {
	var fields []string
	for f := range reflect.TypeFor[admin.Key]().Fields() {
		fields = append(fields, f.Tag.Get("json"))
	}
	if sorted := slices.Sorted(slices.Values(keyColumns)); !slices.Equal(sorted, slices.Sorted(slices.Values(fields))) {
		t.Errorf("columns %q, fields %q", sorted, fields)
	}
	at := time.Date(2026, 11, 24, 12, 0, 0, 5e6, time.UTC)
	key := admin.Key{ID: "01", Name: "=HYPERLINK(\"x\"),\"y\"", Permission: keystore.Operator, Prefix: "ant_", Last4: "-abc", Status: keystore.Active,
		CreatedAt: admin.Time{Time: at}, Labels: admin.Labels{"b": "2", "a": "x,y"}, RetireWhenUnused: "24h0m0s"}
	var out strings.Builder
	sheet := csvListing(&out, keyColumns, keyCells)
	if err := sheet.write(key); err != nil {
		t.Fatal(err)
	}
	if err := sheet.close(); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\r\n") != 2 {
		t.Errorf("lines do not end as RFC 4180 wants: %q", out.String())
	}
	rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	cell := func(name string) string { return rows[1][slices.Index(keyColumns, name)] }
	for name, want := range map[string]string{"id": "01", "name": "'=HYPERLINK(\"x\"),\"y\"", "permission": "operator", "account": "", "last4": "'-abc",
		"created_at": "2026-11-24T12:00:00.005Z", "expires_at": "", "labels": "a=x,y,b=2", "retire_when_unused": "24h0m0s"} {
		if got := cell(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
