package rules

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParsePattern(t *testing.T) {
	for source, want := range map[string]Pattern{
		"/":                       {},
		"/**":                     {deep: true},
		"/v1":                     {segments: []string{"v1"}},
		"/v1/":                    {segments: []string{"v1"}},
		"/v1/**":                  {segments: []string{"v1"}, deep: true},
		"/*":                      {segments: []string{""}},
		"/*/":                     {segments: []string{""}},
		"/{id}":                   {segments: []string{""}},
		"/{_a1}/{B}/{b}":          {segments: []string{"", "", ""}},
		"/*/x/**":                 {segments: []string{"", "x"}, deep: true},
		"/%2A":                    {segments: []string{"*"}},
		"/%2a%2A":                 {segments: []string{"**"}},
		"/%7Bid%7D":               {segments: []string{"{id}"}},
		"/caf%C3%A9":              {segments: []string{"café"}},
		"/café":                   {segments: []string{"café"}},
		"/\uFFFD":                 {segments: []string{"\uFFFD"}},
		"/a%20b":                  {segments: []string{"a b"}},
		"/100%25":                 {segments: []string{"100%"}},
		"/x.y:z@w=1":              {segments: []string{"x.y:z@w=1"}},
		"/.well-known/...":        {segments: []string{".well-known", "..."}},
		"/" + long(4095, "a"):     {segments: []string{long(4095, "a")}},
		"/a" + long(4000, "/{x}"): {},
	} {
		got, err := ParsePattern(source)
		if strings.Count(source, "{x}") > 1 {
			if err == nil {
				t.Errorf("%.20s...: names may repeat", source)
			}
			continue
		}
		if err != nil || got.String() != source || got.deep != want.deep || !slices.Equal(got.segments, want.segments) {
			t.Errorf("%q: %+v, %v", source, got, err)
		}
	}
	if (Pattern{}).String() != "/" {
		t.Error("the zero pattern is /")
	}
}

func TestParsePatternRefuses(t *testing.T) {
	for source, want := range map[string]SyntaxError{
		"":                    {Offset: 0, Problem: "must start"},
		"v1":                  {Offset: 0, Problem: "must start"},
		"**":                  {Offset: 0, Problem: "must start"},
		" /v1":                {Offset: 0, Problem: "must start"},
		"//":                  {Offset: 1, Problem: "empty segment"},
		"/a//b":               {Offset: 3, Problem: "empty segment"},
		"/a//":                {Offset: 3, Problem: "empty segment"},
		"/a/./b":              {Offset: 3, Problem: "dot segment"},
		"/a/..":               {Offset: 3, Problem: "dot segment"},
		"/a;b":                {Offset: 1, Problem: `";"`},
		"/a?b":                {Offset: 2, Problem: "query"},
		"/a#b":                {Offset: 2, Problem: "may not stand"},
		"/a\\b":               {Offset: 2, Problem: "may not stand"},
		"/a b":                {Offset: 2, Problem: "may not stand"},
		"/a\x00":              {Offset: 2, Problem: "may not stand"},
		"/a\n":                {Offset: 2, Problem: "may not stand"},
		"/é\u200b":            {Offset: 3, Problem: "may not stand"},
		"/\u202e":             {Offset: 1, Problem: "may not stand"},
		"/\u00a0":             {Offset: 1, Problem: "may not stand"},
		"/\u0085":             {Offset: 1, Problem: "may not stand"},
		"/é\xff":              {Offset: 3, Problem: "not UTF-8"},
		"/%ff":                {Offset: 1, Problem: "not UTF-8 once decoded"},
		"/a/%":                {Offset: 3, Problem: "two hex digits"},
		"/a/%4":               {Offset: 3, Problem: "two hex digits"},
		"/%2f":                {Offset: 1, Problem: "encodes '/'"},
		"/a%5C":               {Offset: 2, Problem: "encodes"},
		"/%61":                {Offset: 1, Problem: "plainly"},
		"/%00":                {Offset: 1, Problem: "control"},
		"/%252e":              {Offset: 1, Problem: "encoded twice"},
		"/a*":                 {Offset: 2, Problem: "whole segment"},
		"/*.json":             {Offset: 1, Problem: "whole segment"},
		"/***":                {Offset: 1, Problem: "whole segment"},
		"/a/x**":              {Offset: 4, Problem: "whole segment"},
		"/{id}.json":          {Offset: 1, Problem: "whole segment"},
		"/a{id}":              {Offset: 2, Problem: "%7B"},
		"/id}":                {Offset: 3, Problem: "%7D"},
		"/{id":                {Offset: 1, Problem: "whole segment"},
		"/{":                  {Offset: 1, Problem: "whole segment"},
		"/{}":                 {Offset: 2, Problem: "empty name"},
		"/{1a}":               {Offset: 2, Problem: "digit"},
		"/{a-b}":              {Offset: 3, Problem: "letters"},
		"/{é}":                {Offset: 2, Problem: "letters"},
		"/{id}/x/{id}":        {Offset: 9, Problem: "twice"},
		"/{a}{b}":             {Offset: 3, Problem: "letters"},
		"/{*}":                {Offset: 2, Problem: "letters"},
		"/**/x":               {Offset: 3, Problem: "nothing may follow"},
		"/**/":                {Offset: 3, Problem: "nothing may follow"},
		"/a/**/**":            {Offset: 5, Problem: "nothing may follow"},
		"/" + long(4096, "a"): {Offset: 0, Problem: "more than 4096 bytes"},
		"/" + long(700, "é"):  {Offset: 0, Problem: "more than 4096 bytes"},
	} {
		p, err := ParsePattern(source)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !p.same(Pattern{}) || p.source != "" {
			t.Errorf("%.40q accepted as %v, %v", source, p, err)
			continue
		}
		if syntax.Offset != want.Offset || syntax.Pattern != source || !strings.Contains(syntax.Problem, want.Problem) {
			t.Errorf("%.40q: byte %d: %s; want byte %d: %s", source, syntax.Offset, syntax.Problem, want.Offset, want.Problem)
		}
	}
}

func (p Pattern) same(q Pattern) bool {
	return p.deep == q.deep && slices.Equal(p.segments, q.segments)
}

// TestPatternsAreWrittenLikePaths: a path that no wildcard could be taken for is a pattern for itself.
func TestPatternsAreWrittenLikePaths(t *testing.T) {
	for _, row := range refused {
		for target := range row.targets {
			if strings.ContainsAny(target, "?é") || row.class == "UTF-8" {
				continue
			}
			if p, err := ParsePattern(target); err == nil {
				t.Errorf("%s: pattern %q covers what no path can be: %+v", row.class, target, p)
			}
		}
	}
}

func TestWitnessesCanBeSent(t *testing.T) {
	for _, row := range [][3]string{
		{"/", "/**", "/"},
		{"/café/*", "/*/a%20b", "/caf%C3%A9/a%20b"},
		{"/100%25/**", "/*/{x}", "/100%25/x"},
		{"/%2A/*", "/*/%7Bid%7D", "/*/{id}"},
		{"/a/**", "/*/b/{c}/d/**", "/a/b/x/d"},
		{"/a/**", "/a/**", "/a"},
		{"/" + long(682, "é") + "/*", "/*/" + long(682, "é"), "/" + long(682, "%C3%A9") + "/" + long(682, "%C3%A9")},
	} {
		_, witness := mustPattern(t, row[0]).Compare(mustPattern(t, row[1]))
		if witness != row[2] {
			t.Errorf("%s and %s: %s, want %s", row[0], row[1], witness, row[2])
		}
		mustPath(t, witness)
	}
}
