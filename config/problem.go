package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one thing to change, or with Warnings one thing to look at.
type Problem struct {
	File         string // or the environment variable that is at fault
	Line, Column int    // from 1, the column in characters; 0 when the problem has no place in the file
	Message      string // what was found and what was expected, without the place
}

// String gives `file:line:column: message`.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Problems is every problem of a configuration, in the order of the file. It is
// the only error type of this package's Load and Parse.
type Problems struct {
	List []Problem

	cause error // of a file that could not be read
}

// Error gives one problem a line.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, problem := range p.List {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the operating system's error for a file that could not be read.
func (p *Problems) Unwrap() error { return p.cause }

// place is a line and a column, from 1. The zero place is nowhere in the file.
type place struct{ line, column int }

// right is the place some characters further right.
func (p place) right(characters int) place {
	return place{p.line, p.column + characters}
}

// origin is where a value comes from: a place in the file, an environment
// variable, or, if it is zero, neither: it is a default.
type origin struct {
	place
	variable string
}

// origin is where a field's value comes from; an item of a list that a variable
// overrides comes from the variable.
func (c *Config) origin(field string) origin {
	list, _, _ := strings.Cut(field, ".")
	if c.at[list].variable != "" {
		return c.at[list]
	}
	return c.at[field]
}

// about is a problem with a field's value, wherever that comes from.
func (c *Config) about(field, format string, args ...any) Problem {
	from := c.origin(field)
	return Problem{cmp.Or(from.variable, c.File), from.line, from.column, field + ": " + printable(format, args...)}
}

// report collects problems.
type report struct {
	file  string
	list  []Problem
	extra bool // there is more than one document
}

func (r *report) at(p place, format string, args ...any) {
	r.list = append(r.list, Problem{r.file, p.line, p.column, printable(format, args...)})
}

// printable makes a message that is one line and cannot steer a terminal,
// whatever the file puts into it.
func printable(format string, args ...any) string {
	var out strings.Builder
	for _, c := range fmt.Sprintf(format, args...) {
		if unicode.IsPrint(c) {
			out.WriteRune(c)
			continue
		}
		out.WriteString(strings.Trim(strconv.QuoteRune(c), "'"))
	}
	return out.String()
}

// clamp moves places that the YAML library puts behind the end of a line or of
// the file to that end.
func (r *report) clamp(source string) {
	lines := strings.Split(source, "\n")
	for i := range r.list {
		p := &r.list[i]
		if p.Line < 1 {
			continue
		}
		p.Line = min(p.Line, len(lines))
		p.Column = min(max(p.Column, 1), utf8.RuneCountInString(lines[p.Line-1])+1)
	}
}

// inVariable is for what an environment variable says.
func (r *report) inVariable(name, format string, args ...any) {
	r.list = append(r.list, Problem{File: name, Message: printable(format, args...)})
}

// sorted gives the problems in the order of the file; those without a place come
// last. Problems of one place are in the order of their words, which depends on
// nothing else.
func (r *report) sorted() []Problem {
	slices.SortStableFunc(r.list, func(a, b Problem) int {
		return cmp.Or(
			nowhereLast(a.Line)-nowhereLast(b.Line),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Message, b.Message))
	})
	return r.list
}

func nowhereLast(line int) int {
	if line == 0 {
		return 1
	}
	return 0
}

// err is nil when there is nothing to report.
func (r *report) err() error {
	if len(r.list) == 0 {
		return nil
	}
	return &Problems{List: r.sorted()}
}
