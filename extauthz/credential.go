package extauthz

import "strings"

// maxToken is the longest token that is looked at, in bytes; imported keys are bound by it too.
const maxToken = 512

// ParseCredential finds the one bearer token in the values of the authorization field (RFC 9110 section
// 11.4, RFC 6750 section 2.1). It returns the token and Undecided, or "" and the reason for a denial:
// NoCredential for no value or another scheme, MalformedCredential for several values or anything that is
// not exactly one token of at most 512 bytes. No other field is ever read as a credential.
func ParseCredential(authorization []string) (token string, denial Reason) {
	switch len(authorization) {
	case 0:
		return "", NoCredential
	case 1:
	default:
		return "", MalformedCredential
	}
	value := strings.Trim(authorization[0], " \t")
	// Envoy joins repeated lines by a comma, which no bearer token holds.
	if strings.IndexByte(value, ',') >= 0 {
		return "", MalformedCredential
	}
	scheme, rest, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", NoCredential
	}
	token = strings.TrimLeft(rest, " ")
	if !isToken(token) {
		return "", MalformedCredential
	}
	return token, Undecided
}

// isToken reports whether s is a b64token of RFC 6750 section 2.1 of at most maxToken bytes:
// one or more of ALPHA / DIGIT / -._~+/ and then any number of "=".
func isToken(s string) bool {
	body := strings.TrimRight(s, "=")
	if body == "" || len(s) > maxToken {
		return false
	}
	for i := range len(body) {
		if !isTokenByte(body[i]) {
			return false
		}
	}
	return true
}

func isTokenByte(b byte) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		return true
	}
	return strings.IndexByte("-._~+/", b) >= 0
}
