package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

const expectedOrigin = "https://host or https://host:port, or empty for none"

// checkOrigin admits where browsers reach the console, or nothing.
func checkOrigin(text string) string {
	if text == "" {
		return ""
	}
	scheme, rest, _ := strings.Cut(text, "://")
	if scheme != "http" && scheme != "https" {
		return expectedOrigin
	}
	rest = strings.TrimSuffix(rest, "/")
	if at := strings.IndexAny(rest, "/?#@"); at >= 0 {
		return expectedOrigin + ": remove the " + originExtra[rest[at]]
	}
	host, port := splitOrigin(rest)
	if !isHost(host) || strings.Contains(host, "%") || port != "" && !isPort(port) {
		return expectedOrigin
	}
	if scheme == "http" && !isLoopback(host) {
		return expectedOrigin + ": people sign in there with a key, and http is for loopback only"
	}
	return ""
}

// originExtra names what an origin does not have by the character that shows it.
var originExtra = map[byte]string{'/': "path", '?': "query", '#': "fragment", '@': "user"}

// splitOrigin gives the host without brackets, and the port, "" for none. What is
// no host and port comes back as a host that is none.
func splitOrigin(rest string) (host, port string) {
	if host, port, err := net.SplitHostPort(rest); err == nil && port != "" {
		return host, port
	}
	inside, is := strings.CutPrefix(rest, "[")
	inside, closed := strings.CutSuffix(inside, "]")
	if is != closed || is != strings.Contains(inside, ":") {
		return "", ""
	}
	return inside, ""
}

// isPort admits a port in the one way to write it; 0 is none to be reached at.
func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == text
}

// isLoopback tells whether a host is this machine for certain. Of names, only
// `localhost` is.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// originOf gives what checkOrigin admitted as browsers write it in their Origin
// header: lower case, no usual port, no slash.
func originOf(text string) string {
	scheme, rest, is := strings.Cut(text, "://")
	if !is {
		return ""
	}
	host, port := splitOrigin(strings.TrimSuffix(rest, "/"))
	host = strings.ToLower(host)
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String()
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return scheme + "://" + host
	}
	return scheme + "://" + host + ":" + port
}
