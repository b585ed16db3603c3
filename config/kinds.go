package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// off is a word for an empty `observe`, since an environment variable cannot be
// set to nothing.
const off = "off"

// kind is what a field tagged `is` takes.
type kind struct {
	expected string                   // for messages and the manual
	check    func(text string) string // "" when the text is fine, else what was expected
	schema   schema                   // for editors; never stricter than check
}

// schema is a part of a JSON Schema.
type schema map[string]any

// kindOf gives the kind that a tag `is` names. The three that are not one text,
// listen, routes and expect, have readers of their own.
func kindOf(name string) kind {
	switch name {
	case "listen":
		return kind{expectedListen, checkListen, listenSchema()}
	case "address or off":
		return kind{"host:port, or empty for off", checkSwitchable, schema{"type": "string", "pattern": `^$|^off$|^.+:[0-9]{1,5}$`}}
	case "path":
		return kind{"the path of a file", checkPath, schema{"type": "string", "minLength": 1}}
	case "path or nothing":
		return kind{expectedOptionalPath, checkOptionalPath, schema{"type": "string"}}
	case "pepper path or nothing":
		return kind{expectedOptionalPath, checkPepperFile, schema{"type": "string"}}
	case "secret path or nothing":
		return kind{expectedOptionalPath, checkKeyFile, schema{"type": "string", "not": schema{"pattern": "^-----BEGIN"}}}
	case "socket":
		return kind{"the path of a socket", checkSocket, schema{"type": "string", "minLength": 1, "not": schema{"pattern": "^unix:"}}}
	case "origin or nothing":
		return kind{expectedOrigin, checkOrigin, schema{"type": "string", "pattern": `^$|^https?://[^/?#@]+/?$`}}
	case "URL or nothing":
		return kind{expectedURL, checkURL, schema{"type": "string", "pattern": "^$|" + urlPattern}}
	case "key prefix":
		return kind{expectedPrefix, checkPrefix, schema{"type": "string", "pattern": "^[a-z0-9]{1,12}_$"}}
	case "realm":
		return kind{expectedRealm, checkRealm, schema{"type": "string", "pattern": `^[ !#-\[\]-~]{1,100}$`}}
	case "header prefix":
		return kind{expectedHeaderPrefix, checkHeaderPrefix, schema{
			"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}-$", "not": schema{"pattern": "(-[^-]*){5}"},
		}}
	case "routes":
		return kind{expected: "a mapping of path patterns", schema: routesSchema()}
	case "expect":
		return kind{expected: "a mapping of `METHOD /path: requirement`", schema: expectSchema()}
	}
	return kind{}
}

// check tells whether text may be the field's value: "" or what was expected.
func (f field) check(text string) string {
	if words, has := f.tag("one"); has {
		if list := strings.Fields(words); !slices.Contains(list, text) {
			return oneOf(list) + f.suggestion(text, list)
		}
		return ""
	}
	if f.isDuration() {
		return f.checkDuration(text)
	}
	if smallest, largest, has := f.bounds(); has {
		if n, err := strconv.Atoi(text); err != nil || n < smallest || n > largest || strconv.Itoa(n) != text {
			return f.expected()
		}
		return ""
	}
	if f.isTruth() {
		if text != "true" && text != "false" {
			return f.expected()
		}
		return ""
	}
	return kindOf(f.about.Tag.Get("is")).check(text)
}

// suggestion is for words: no number is closer to another in meaning for its digits.
func (f field) suggestion(text string, list []string) string {
	if f.value.Kind() == reflect.Int {
		return ""
	}
	return didYouMean(text, list)
}

// expected says in words what the field takes.
func (f field) expected() string {
	if words, has := f.tag("one"); has {
		return oneOf(strings.Fields(words))
	}
	if f.isDuration() {
		return f.expectedDuration()
	}
	if smallest, largest, has := f.bounds(); has {
		return fmt.Sprintf("a whole number from %d to %d", smallest, largest)
	}
	if f.isTruth() {
		return "true or false"
	}
	return kindOf(f.about.Tag.Get("is")).expected
}

// bounds are the smallest and the largest number that the field takes.
func (f field) bounds() (smallest, largest int, has bool) {
	limits, has := f.tag("range")
	if has = has && !f.isDuration(); has {
		fmt.Sscan(limits, &smallest, &largest) // our own tag, held by TestTags
	}
	return smallest, largest, has
}

const (
	expectedPrefix = "1 to 12 lower-case letters or digits and then _, as in ant_"
	expectedRealm  = "1 to 100 printable ASCII characters without \" and \\"
)

func checkPrefix(text string) string {
	name, is := strings.CutSuffix(text, "_")
	if !is || len(name) < 1 || len(name) > 12 || !consistsOf(name, lower+digits) {
		return expectedPrefix
	}
	return ""
}

// checkRealm admits what a quoted-string of RFC 9110 carries without escapes.
func checkRealm(text string) string {
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return expectedRealm
		}
	}
	if len(text) < 1 || len(text) > 100 {
		return expectedRealm
	}
	return ""
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

func consistsOf(text, alphabet string) bool {
	return strings.Trim(text, alphabet) == ""
}
