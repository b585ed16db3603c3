package keystore

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// ImportCSV reads the lines of an import from a CSV file (RFC 4180, UTF-8). Its
// first row names the columns, which are ImportFields, in any order; labels are
// "a=1,b=2", so that a value with a comma wants JSON; disabled is "true",
// "false" or empty.
type ImportCSV struct {
	rows    *csv.Reader
	columns []string
	ended   bool
}

// NewImportCSV reads the first row. A *BadLine says what is wrong with it.
func NewImportCSV(r io.Reader) (*ImportCSV, error) {
	c := &ImportCSV{rows: csv.NewReader(withoutBOM(r))}
	c.rows.FieldsPerRecord = -1
	c.rows.ReuseRecord = true
	header, err := c.rows.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, &BadLine{Number: 1, Problem: "the file is empty"}
	case err != nil:
		return nil, csvProblem(err)
	}
	number, _ := c.rows.FieldPos(0)
	for i, name := range header {
		name = strings.TrimSpace(name)
		switch {
		case slices.Contains(c.columns, name):
			return nil, &BadLine{Number: number, Field: fieldName(name), Problem: "is the name of two columns"}
		case !slices.Contains(importFields, name):
			return nil, &BadLine{Number: number, Problem: fmt.Sprintf("column %d is none of an import: the first line names the columns, "+
				"separated by commas, and there are %s", i+1, strings.Join(importFields, ", "))}
		}
		c.columns = append(c.columns, name)
	}
	return c, nil
}

// withoutBOM drops the mark that spreadsheets write in front.
func withoutBOM(r io.Reader) io.Reader {
	b := bufio.NewReader(r)
	if mark, _ := b.Peek(3); string(mark) == "\ufeff" {
		_, _ = b.Discard(3)
	}
	return b
}

// Next reads the next line; io.EOF tells that there is none. Behind a *BadLine
// the reading can go on. Any other error is one of the file.
func (c *ImportCSV) Next() (ImportLine, error) {
	if c.ended {
		return ImportLine{}, io.EOF
	}
	row, err := c.rows.Read()
	if err != nil {
		c.ended = true // a quote out of place: where the rows behind it begin is not known
		return ImportLine{}, csvProblem(err)
	}
	l := ImportLine{}
	l.Number, _ = c.rows.FieldPos(0)
	if bad := c.fill(&l, row); bad != nil {
		bad.Number = l.Number
		return ImportLine{}, bad
	}
	return l, nil
}

// csvProblem is a *BadLine for what the reader found wrong with the form.
func csvProblem(err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	return &BadLine{Number: parse.StartLine, Problem: "has a quotation mark out of place; what stands behind it was not read"}
}

func (c *ImportCSV) fill(l *ImportLine, row []string) *BadLine {
	if len(row) != len(c.columns) {
		return &BadLine{Problem: fmt.Sprintf("has another number of columns than the first line: %d, not %d", len(row), len(c.columns))}
	}
	for i, name := range c.columns {
		value := row[i]
		if !utf8.ValidString(value) {
			return &BadLine{Problem: "is not UTF-8"}
		}
		if bad := l.setColumn(name, value); bad != nil {
			return bad
		}
	}
	return nil
}

func (l *ImportLine) setColumn(name, value string) *BadLine {
	switch name {
	case importDisabled:
		if value != "true" && value != "false" && value != "" {
			return wrongType(name)
		}
		l.Disabled = value == "true"
	case importLabels:
		return l.splitLabels(value)
	default:
		l.setText(name, value)
	}
	return nil
}

func (l *ImportLine) splitLabels(text string) *BadLine {
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(part, "=")
		if !found {
			return &BadLine{Field: importLabels, Problem: `must be like "a=1,b=2"`}
		}
		if bad := l.addLabel(strings.TrimSpace(name), strings.TrimSpace(value)); bad != nil {
			return bad
		}
	}
	return nil
}
