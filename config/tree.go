package config

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
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
