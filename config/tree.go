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

// shape is what a node of the file is.
type shape int

const (
	broken shape = iota // not to be read further: its problem has been reported
	nothing
	text
	number // a whole number; node.text is as written
	fraction
	truth
	mapping
	list
	hidden // text that a message must not repeat
)

// String names a shape in a message.
func (s shape) String() string {
	names := [...]string{"something unreadable", "nothing", "text", "a number", "a number", "a truth value", "a mapping", "a list", "a value that is not shown here"}
	return names[s]
}

// node is a part of the file. It is all that the rest of this package sees of YAML.
type node struct {
	shape   shape
	text    string // of a scalar: decoded, or as written if it is no text
	at      place
	literal bool    // the text stands in the file as it is, from at on
	entries []entry // of a mapping, in file order, no name twice
	damaged bool    // the mapping lost an entry to a problem
	items   []node  // of a list
}

// entry is a line of a mapping; key.text is its name.
type entry struct{ key, value node }

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

// visit calls f for a node and everything in it.
func (n node) visit(f func(node)) {
	f(n)
	for _, e := range n.entries {
		f(e.key)
		e.value.visit(f)
	}
	for _, item := range n.items {
		item.visit(f)
	}
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

// node converts a part of the parsed tree.
func (r *report) node(n ast.Node) node {
	out := node{at: placeOfNode(n)}
	switch n := n.(type) {
	case *ast.MappingNode:
		out.shape, out.entries = mapping, r.entries(n.Values)
		out.damaged = len(out.entries) < len(n.Values)
	case *ast.MappingValueNode:
		out.shape, out.entries = mapping, r.entries([]*ast.MappingValueNode{n})
		out.damaged = len(out.entries) < 1
	case *ast.SequenceNode:
		out.shape = list
		for _, item := range n.Values {
			out.items = append(out.items, r.node(item))
		}
	case *ast.StringNode:
		out.shape, out.text = text, n.Value
		out.literal = n.Token.Type == token.StringType
	case *ast.IntegerNode:
		out.shape, out.text = number, n.Token.Value
	case *ast.FloatNode:
		out.shape, out.text = fraction, n.Token.Value
	case *ast.InfinityNode:
		out.shape, out.text = fraction, n.Token.Value
	case *ast.NanNode:
		out.shape, out.text = fraction, n.Token.Value
	case *ast.BoolNode:
		out.shape, out.text = truth, n.Token.Value
	case *ast.NullNode:
		out.shape, out.text = nothing, ""
	default:
		r.at(out.at, "%s", refusal(n))
	}
	return out
}

// refusal says why a construct of YAML is not accepted. Each of them can make a
// file mean something other than what its reader sees.
func refusal(n ast.Node) string {
	switch n.(type) {
	case *ast.AnchorNode:
		return "found a YAML anchor (&), expected a plain value: write the value out where it is needed"
	case *ast.AliasNode:
		return `found a YAML alias (*), expected a plain value: write the value out, and the method * in quotes: "*"`
	case *ast.TagNode:
		return "found a YAML tag (!), expected a plain value: remove the tag"
	case *ast.LiteralNode:
		return "found a YAML block text (| or >), expected a value on one line"
	case *ast.MergeKeyNode:
		return "found a YAML merge key (<<), expected a name: write the entries out"
	}
	return "found a YAML construct that is not supported, expected a plain value"
}

// entries converts the lines of a mapping, and refuses a name that stands twice.
func (r *report) entries(values []*ast.MappingValueNode) []entry {
	var out []entry
	first := make(map[string]place)
	for _, pair := range values {
		key := r.key(pair.Key)
		value := r.node(pair.Value)
		if key.shape == broken {
			continue
		}
		if null, is := pair.Value.(*ast.NullNode); is && null.Token.Type == token.ImplicitNullType {
			value.at = key.at // what is not there has no place of its own
		}
		if earlier, twice := first[key.text]; twice {
			r.at(key.at, "found %s again, expected it once: it stands on line %d already", quote(key.text), earlier.line)
			continue
		}
		first[key.text] = key.at
		out = append(out, entry{key, value})
	}
	return out
}

// key converts the name of an entry: text, or a broken node.
func (r *report) key(n ast.MapKeyNode) node {
	if explicit, is := n.(*ast.MappingKeyNode); is {
		r.at(placeOfNode(explicit), "found a YAML explicit key (?), expected `name: value`")
		return node{}
	}
	key := r.node(n)
	if key.shape != text && key.shape != broken {
		r.at(key.at, "found %s as a name, expected text: write it in quotes", key.shape)
		return node{}
	}
	return key
}

// placeOfNode is where a reader sees a node begin. The library puts a mapping at
// its first colon.
func placeOfNode(n ast.Node) place {
	switch n := n.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 && n.Start.Type != token.MappingStartType {
			return placeOfNode(n.Values[0])
		}
	case *ast.MappingValueNode:
		return placeOfNode(n.Key)
	}
	return placeOfToken(n.GetToken())
}

func placeOfToken(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{t.Position.Line, t.Position.Column}
}
