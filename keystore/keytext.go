package keystore

import (
	"crypto/rand"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

// The text of a key:
//
//	ant_  0aZ...9  5xK2d1
//	|     |        +-- 6 base62 characters: CRC-32 (IEEE) over all that precedes
//	|     +----------- 43 base62 characters from crypto/rand: 256 bits
//	+----------------- prefix, [a-z0-9]{1,12}_
//
// The checksum lets scanners find leaked keys without false positives. It is
// not security.
const (
	base62         = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	secretLength   = 43
	checksumLength = 6
	bodyLength     = secretLength + checksumLength
	maxPrefix      = 13  // with the underscore
	maxText        = 512 // bytes of any key, one from elsewhere included
)

// mintText makes the text of a new key from random bytes.
func mintText(random io.Reader, prefix string) (Secret, error) {
	text := append(make([]byte, 0, maxPrefix+bodyLength), prefix...)
	for len(text) < len(prefix)+secretLength {
		var chunk [64]byte
		if _, err := io.ReadFull(random, chunk[:]); err != nil {
			return Secret{}, fmt.Errorf("mint a key: %w", err)
		}
		text = appendBase62(text, chunk[:], len(prefix)+secretLength)
	}
	sum := checksum(string(text))
	return NewSecret(string(append(text, sum[:]...))), nil
}

// appendBase62 appends a character per usable byte until text has length n.
// Bytes from 248 up are skipped: 256 is no multiple of 62, and folding them
// in would make eight characters likelier than the others.
func appendBase62(text, random []byte, n int) []byte {
	for _, b := range random {
		if b < 248 && len(text) < n {
			text = append(text, base62[b%62])
		}
	}
	return text
}

// checksum writes CRC-32 of text as six base62 digits, the highest first.
func checksum(text string) (out [checksumLength]byte) {
	v := crc(text)
	for i := checksumLength - 1; i >= 0; i-- {
		out[i] = base62[v%62]
		v /= 62
	}
	return out
}

// crc is crc32.ChecksumIEEE, byte by byte: that one wants a slice and makes it
// escape, which would be the only allocation of a check.
func crc(text string) uint32 {
	sum := ^uint32(0)
	for i := range len(text) {
		sum = crc32.IEEETable[byte(sum)^text[i]] ^ sum>>8
	}
	return ^sum
}

// ValidPrefix reports whether p can begin a key: [a-z0-9]{1,12}_ .
func ValidPrefix(p string) bool {
	if len(p) < 2 || len(p) > maxPrefix || p[len(p)-1] != '_' {
		return false
	}
	for i := 0; i < len(p)-1; i++ {
		if (p[i] < 'a' || p[i] > 'z') && (p[i] < '0' || p[i] > '9') {
			return false
		}
	}
	return true
}

// splitText cuts a text behind its first underscore.
func splitText(text string) (prefix, body string) {
	i := strings.IndexByte(text, '_')
	return text[:i+1], text[i+1:]
}

// soundText reports whether text has the length, the characters and the
// checksum of a key that keygate minted under any prefix.
func soundText(text string) bool {
	prefix, body := splitText(text)
	return len(body) == bodyLength && ValidPrefix(prefix) && isBase62(body) && soundChecksum(text)
}

func soundChecksum(text string) bool {
	cut := len(text) - checksumLength
	sum := checksum(text[:cut])
	return text[cut:] == string(sum[:])
}

func isBase62(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isBase62Byte(s[i]) {
			return false
		}
	}
	return true
}

func isBase62Byte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// randomSource is crypto/rand; it never fails on the systems we run on.
var randomSource io.Reader = rand.Reader
