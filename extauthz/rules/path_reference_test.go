package rules

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// refParsePath is ParsePath in the words of its documentation, with other means and no care for speed.
func refParsePath(target string) (decoded string, ok bool) {
	if len(target) > 8192 || !regexp.MustCompile(`^/[\x21-\x7E]*$`).MatchString(target) || strings.ContainsAny(target, `#\`) {
		return "", false
	}
	target = strings.SplitN(target, "?", 2)[0]
	for _, escape := range regexp.MustCompile(`%.{0,2}`).FindAllString(target, -1) {
		if !regexp.MustCompile(`^%[0-9A-Fa-f]{2}$`).MatchString(escape) || refForbidden(escape) {
			return "", false
		}
	}
	segments := strings.Split(target, "/")[1:]
	for i, segment := range segments {
		segment, err := url.PathUnescape(segment)
		last := i == len(segments)-1
		if err != nil || segment == "" && !last || segment == "." || segment == ".." || strings.Contains(segment, ";") ||
			!utf8.ValidString(segment) || regexp.MustCompile(`%[0-9A-Fa-f]{2}`).MatchString(segment) {
			return "", false
		}
		decoded += "/" + segment
	}
	return decoded, true
}

// refForbidden reports whether an escape may not stand in a path.
func refForbidden(escape string) bool {
	char, _ := url.PathUnescape(escape)
	return regexp.MustCompile(`^[\x00-\x1F\x7F#/;?\\A-Za-z0-9._~-]$`).MatchString(char)
}

// lenientReadings are what careless software makes of a path: it decodes once more, cuts, strips, merges,
// resolves.
var lenientReadings = map[string]func(string) string{
	"decode again": func(s string) string {
		return regexp.MustCompile(`%[0-9A-Fa-f]{2}`).ReplaceAllStringFunc(s, func(e string) string {
			c, _ := url.PathUnescape(e)
			return c
		})
	},
	"cut at ? # NUL":           func(s string) string { return regexp.MustCompile(`[?#\x00].*`).ReplaceAllString(s, "") },
	"cut at a line end":        func(s string) string { return regexp.MustCompile(`(?s)[\r\n].*`).ReplaceAllString(s, "") },
	"strip parameters":         func(s string) string { return regexp.MustCompile(`;[^/]*`).ReplaceAllString(s, "") },
	"backslash is slash":       func(s string) string { return strings.ReplaceAll(s, `\`, "/") },
	"merge slashes":            func(s string) string { return regexp.MustCompile(`//+`).ReplaceAllString(s, "/") },
	"resolve dot segments":     func(s string) string { return regexp.MustCompile(`/[^/]+/\.\.(/|$)`).ReplaceAllString(s, "/") },
	"remove this-dot segments": func(s string) string { return regexp.MustCompile(`/\.(/|$)`).ReplaceAllString(s, "/") },
	"drop broken UTF-8":        func(s string) string { return strings.ToValidUTF8(s, "") },
}
