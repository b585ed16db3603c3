package main

import (
	"encoding/csv"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/antinium/keygate/admin"
)

// listing writes the items of a list one by one, so that a list of any length takes no memory to speak of. close ends
// a list of which all items came.
type listing[T any] struct {
	write     func(T) error
	close     func() error
	forPeople bool
}

// tableListing is for people: one line an item. The header comes with the first.
func tableListing[T any](w io.Writer, header string, row func(T) string) listing[T] {
	write := func(item T) error {
		_, err := io.WriteString(w, header+row(item))
		header = ""
		return err
	}
	return listing[T]{write: write, close: func() error { return nil }, forPeople: true}
}

func jsonListing[T any](w io.Writer) listing[T] {
	array := &jsonStream{w: w}
	return listing[T]{write: func(item T) error { return array.write(item) }, close: array.close}
}

// csvListing is a sheet as RFC 4180 has it. It has its header also where there are no items.
func csvListing[T any](w io.Writer, columns []string, cells func(T) []string) listing[T] {
	sheet := csv.NewWriter(w)
	sheet.UseCRLF = true
	_ = sheet.Write(columns) // into memory: flush tells
	write := func(item T) error {
		row := cells(item)
		for i := range row {
			row[i] = safeCell(row[i])
		}
		return sheet.Write(row)
	}
	return listing[T]{write: write, close: func() error { sheet.Flush(); return sheet.Error() }}
}

// safeCell puts an apostrophe before what a spreadsheet would run as a formula: names are what their owners like.
func safeCell(s string) string {
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + s
	}
	return s
}

// csvTime is a time as JSON has it, or nothing.
func csvTime(t admin.Time) string {
	text, _ := t.MarshalJSON() // formats, or null: never fails
	return strings.Trim(strings.TrimPrefix(string(text), "null"), `"`)
}
