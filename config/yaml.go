package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits that no honest file comes near. They keep the YAML parser, which
// recurses, from running out of stack or time.
const (
	deepestNesting = 32
	mostEntries    = 20_000
)

// tree parses text as one YAML document that is a mapping. ok is false when a
// problem leaves nothing to read.
func (r *report) tree(source string) (root node, ok bool) {
	tokens := lexer.Tokenize(source)
	if !r.bounded(tokens) {
		return node{}, false
	}
	file, err := parse(tokens)
	if err != nil {
		r.syntax(err, source)
		return node{}, false
	}
	root, ok = r.onlyDocument(file.Docs)
	if ok && len(r.list) == 0 {
		ok = r.nothingDropped(tokens, root)
	}
	return root, ok
}

// nothingDropped holds the YAML parser to what the scanner saw: a slip in it that
// loses a line without a word would lose a rule.
func (r *report) nothingDropped(tokens token.Tokens, root node) bool {
	kept := make(map[place]bool)
	root.visit(func(n node) { kept[n.at] = true })
	for _, t := range tokens {
		switch t.Type {
		case token.StringType, token.SingleQuoteType, token.DoubleQuoteType, token.BoolType, token.NullType,
			token.IntegerType, token.BinaryIntegerType, token.OctetIntegerType, token.HexIntegerType,
			token.FloatType, token.InfinityType, token.NanType:
			if !kept[placeOfToken(t)] {
				r.at(placeOfToken(t), "found %s, which belongs to no name or value here, expected `name: value`", quote(t.Value))
				return false
			}
		}
	}
	return true
}

// bounded reports a file whose shape alone would be trouble.
func (r *report) bounded(tokens token.Tokens) bool {
	open, row, entries := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			open++
		case token.MappingEndType, token.SequenceEndType:
			open--
		case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType:
			row++
		case token.MappingValueType:
			entries++
			row = 0
		default:
			row = 0
		}
		if open > deepestNesting || row > deepestNesting {
			r.at(placeOfToken(t), "found values nested deeper than %d levels, expected at most 4", deepestNesting)
			return false
		}
		if entries > mostEntries {
			r.at(placeOfToken(t), "found more than %d entries, expected at most that many", mostEntries)
			return false
		}
	}
	return true
}

// parse guards against a parser that gives up by panicking.
func parse(tokens token.Tokens) (file *ast.File, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			file, err = nil, fmt.Errorf("the YAML parser cannot read this file: %v", problem)
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // duplicates are ours to report: all of them
}

// syntaxError is what the YAML library's errors have in common.
type syntaxError interface {
	error
	GetToken() *token.Token
	GetMessage() string
}

// syntax reports an error of the YAML parser, which stops at the first.
func (r *report) syntax(err error, source string) {
	var detailed syntaxError
	if !errors.As(err, &detailed) || detailed.GetToken() == nil {
		r.at(place{}, "found no valid YAML: %v", err)
		return
	}
	at := placeOfToken(detailed.GetToken())
	r.at(at, "found a YAML syntax error: %s%s", detailed.GetMessage(), syntaxHint(lineOf(source, at.line)))
}

// syntaxHint explains the slips that route tables invite.
func syntaxHint(line string) string {
	trimmed := strings.TrimSpace(line)
	switch {
	case strings.HasPrefix(line, "\t"), strings.HasPrefix(strings.TrimLeft(line, " "), "\t"):
		return "; indent with spaces, not with tabs"
	case strings.HasPrefix(trimmed, "*:"), strings.Contains(line, " *:"), strings.Contains(line, "{*:"):
		return `; write the method * in quotes: "*"`
	}
	return ""
}

// lineOf is a line of text, counted from 1; empty when there is none such.
func lineOf(source string, line int) string {
	lines := strings.Split(source, "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	return lines[line-1]
}

// onlyDocument reads the first document and refuses all others: what stands
// behind a stray `---` must not be dropped in silence.
func (r *report) onlyDocument(documents []*ast.DocumentNode) (node, bool) {
	if len(documents) == 0 {
		r.at(place{1, 1}, "found an empty file, expected settings: %s", smallest)
		return node{}, false
	}
	body := documents[0].Body
	if directive, is := body.(*ast.DirectiveNode); is {
		r.at(placeOfToken(directive.GetToken()), "found a YAML directive, expected settings: remove the line")
		return node{}, false
	}
	r.extra = len(documents) > 1
	for _, extra := range documents[1:] {
		r.at(placeOfDocument(extra), "found a second document, expected one: remove the line `---` or what follows it")
	}
	if body == nil && len(documents) == 1 {
		r.at(place{1, 1}, "found an empty file, expected settings: %s", smallest)
	}
	if body == nil {
		return node{}, false
	}
	root := r.node(body)
	if root.shape == mapping && len(root.entries) == 0 && len(r.list) == 0 {
		r.at(root.at, "found an empty mapping, expected settings: %s", smallest)
	}
	return root, root.shape != broken
}

func placeOfDocument(d *ast.DocumentNode) place {
	if d.Start != nil {
		return placeOfToken(d.Start)
	}
	if d.Body != nil {
		return placeOfNode(d.Body)
	}
	return place{}
}
