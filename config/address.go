package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	unixScheme = "unix:"

	expectedListen  = "host:port or unix:/path/to.sock"
	expectedAddress = "host:port"

	// longestSocket is what Linux takes as the path of a Unix socket, in bytes.
	longestSocket = 107
)

// checkListen admits an address of ext_authz.
func checkListen(text string) string {
	path, isUnix := strings.CutPrefix(text, unixScheme)
	if !isUnix {
		return checkAddress(text, expectedListen)
	}
	return checkSocketPath(path, "unix:/path/to.sock")
}

// checkSwitchable admits the address of a listener that can be switched off, or nothing.
func checkSwitchable(text string) string {
	if text == "" || text == off {
		return ""
	}
	return checkAddress(text, "host:port, or empty for off")
}

// checkAddress admits host:port: an IP address or a name, and a numeric port.
// The host is wanted, because leaving it out opens the port on every interface.
func checkAddress(text, expected string) string {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return expected + addressHint(text)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return expected + ", the port being a number up to 65535"
	}
	if host == "" {
		return expected + ": 127.0.0.1" + text + " for this machine, 0.0.0.0" + text + " for every interface"
	}
	if !isHost(host) {
		return expected + ", the host being an IP address or a name"
	}
	return ""
}

// addressHint helps with what people write instead.
func addressHint(text string) string {
	switch {
	case consistsOf(text, digits) && text != "":
		return ": 127.0.0.1:" + cut(text) + ", for one"
	case strings.HasPrefix(text, "/"):
		return ": a socket is written unix:" + cut(text)
	case strings.Count(text, ":") > 1:
		return ": an IPv6 address stands in brackets, as in [::1]:9494"
	}
	return ""
}

// isHost tells whether text is an IP address or a DNS name.
func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	labels := strings.Split(text, ".")
	for _, label := range labels {
		if !isLabel(label) {
			return false
		}
	}
	// 127.0.0.256 is a slip in an address, not a name.
	return len(text) <= 253 && !consistsOf(labels[len(labels)-1], digits)
}

func isLabel(label string) bool {
	return 0 < len(label) && len(label) < 64 &&
		label[0] != '-' && label[len(label)-1] != '-' &&
		consistsOf(label, lower+upper+digits+"-")
}

// checkSocket admits the path of the admin socket.
func checkSocket(text string) string {
	if path, is := strings.CutPrefix(text, unixScheme); is {
		return "the path alone: " + cut(path)
	}
	return checkSocketPath(text, "the path of a socket")
}

func checkSocketPath(path, expected string) string {
	switch {
	case strings.HasPrefix(path, "@"):
		return expected + ": an abstract socket has no file mode to protect it"
	case path == "" || strings.HasSuffix(path, "/"):
		return expected
	case len(path) > longestSocket:
		return expected + " of at most " + strconv.Itoa(longestSocket) + " bytes"
	}
	return checkPath(path)
}

// checkPath admits the path of a file. Control characters never reach it from
// the file itself, but can be written as escapes.
func checkPath(path string) string {
	if path == "" || strings.ContainsFunc(path, isControl) {
		return "the path of a file"
	}
	if strings.HasSuffix(path, "/") {
		return "the path of a file, not of a folder"
	}
	return ""
}

func isControl(c rune) bool { return c < ' ' || c == 0x7F }

const expectedOptionalPath = "the path of a file, or empty for none"

func checkOptionalPath(path string) string {
	if path == "" {
		return ""
	}
	return checkPath(path)
}

// checkKeyFile also stops the private key itself from being put in place of its file's name.
func checkKeyFile(path string) string {
	if strings.HasPrefix(path, "-----BEGIN") {
		return "the path of a file that holds the private key, not the key itself"
	}
	return checkOptionalPath(path)
}

// checkPepperFile also stops the secret itself from being put in place of its
// file's name.
func checkPepperFile(path string) string {
	if len(path) >= 32 && consistsOf(path, lower+upper+digits+"+=") {
		return "the path of a file that holds the pepper, not the pepper itself"
	}
	return checkOptionalPath(path)
}

// parseAddress reads what checkListen admitted.
func parseAddress(text, folder string) Address {
	if path, is := strings.CutPrefix(text, unixScheme); is {
		return Address{"unix", filepath.Clean(resolve(path, folder))}
	}
	return Address{"tcp", text}
}
