package config

import "regexp"

const (
	expectedURL = "http:// or https://, a host, and a path of printable ASCII without blanks, quotes, $, ` and \\"

	// urlPattern leaves out what would mean something to a shell inside quotes: people paste the line.
	urlPattern = `^https?://[A-Za-z0-9.:\[\]-]{1,253}(/[%&+,./0-9:;=?@A-Z_a-z~-]{0,200})?$`
)

var plainURL = regexp.MustCompile(urlPattern)

// checkURL admits a URL that can be shown in a line for a shell.
func checkURL(text string) string {
	if text == "" || plainURL.MatchString(text) {
		return ""
	}
	return expectedURL
}
