package rules

import (
	"cmp"
	"slices"
)

// Row is a rule as it was written, for people to read.
type Row struct {
	Pattern string
	Methods []MethodRequirement // sorted by method, "*" last
}

// MethodRequirement is what a rule requires of a method, or of every method that it does not list ("*").
type MethodRequirement struct {
	Method      string
	Requirement Requirement
}

// newRow copies what New was given, so that nobody can change a table from outside.
func newRow(route Route) Row {
	row := Row{Pattern: route.Pattern, Methods: make([]MethodRequirement, 0, len(route.Methods))}
	for method, required := range route.Methods {
		row.Methods = append(row.Methods, MethodRequirement{method, required})
	}
	slices.SortFunc(row.Methods, func(a, b MethodRequirement) int { return compareMethods(a.Method, b.Method) })
	return row
}

// compareMethods sorts "*" last: it says what remains.
func compareMethods(a, b string) int {
	if a == otherMethods || b == otherMethods {
		return -cmp.Compare(a, b) // "*" is less than every letter
	}
	return cmp.Compare(a, b)
}

// Rows gives every rule, sorted by pattern. The caller owns them.
func (t *Table) Rows() []Row {
	rows := make([]Row, len(t.rules))
	for i, r := range t.rules {
		rows[i] = Row{Pattern: r.row.Pattern, Methods: slices.Clone(r.row.Methods)}
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Pattern, b.Pattern) })
	return rows
}
