package envoy

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// yamlAddress writes a the way Envoy's address fields want it. dns tells that
// the host is a name, which only a cluster of type STRICT_DNS resolves.
func yamlAddress(a Address) (text string, dns bool, err error) {
	switch a.Network {
	case "unix":
		text, err = yamlPipe(a.Address)
		return text, false, err
	case "tcp":
		return yamlHostPort(a.Address)
	}
	return "", false, fmt.Errorf("network %q: want tcp or unix", a.Network)
}

// yamlPipe takes the path of a Unix socket. Linux holds 107 bytes of it, and
// Envoy reads a leading @ as an abstract name, which has no file mode to guard it.
func yamlPipe(path string) (string, error) {
	if !strings.HasPrefix(path, "/") || len(path) > 107 {
		return "", fmt.Errorf("socket %q: want an absolute path of at most 107 bytes", path)
	}
	return fmt.Sprintf("{ pipe: { path: %s } }", quoted(path)), nil
}

// yamlHostPort takes what can be connected to.
func yamlHostPort(hostport string) (text string, dns bool, err error) {
	host, port, err := splitHostPort(hostport)
	if err != nil {
		return "", false, err
	}
	if host == "" || port == 0 {
		return "", false, fmt.Errorf("%q: want a host and a port from 1 to 65535", hostport)
	}
	_, notIP := netip.ParseAddr(host)
	return yamlSocket(host, port), notIP != nil, nil
}

// yamlIP takes what can be listened on: an IP address and a port, or port 0 for
// any that is free.
func yamlIP(hostport string) (string, error) {
	host, port, err := splitHostPort(hostport)
	if err != nil {
		return "", err
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return "", fmt.Errorf("%q: want an IP address and a port", hostport)
	}
	return yamlSocket(host, port), nil
}

func yamlSocket(host string, port uint16) string {
	return fmt.Sprintf("{ socket_address: { address: %s, port_value: %d } }", quoted(host), port)
}

func splitHostPort(hostport string) (host string, port uint16, err error) {
	host, digits, err := net.SplitHostPort(hostport)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q: want a port from 1 to 65535", hostport)
	}
	return host, uint16(n), nil
}

// quoted leaves plain words plain and quotes the rest; what Go escapes in a
// string, YAML reads the same way.
func quoted(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_-") == "" && s != "" {
		return s
	}
	return strconv.Quote(s)
}
