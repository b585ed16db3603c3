package keystore

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// Digest is what the store keeps of a key's text:
//
//	without a pepper  SHA-256(text)
//	with a pepper     HMAC-SHA-256(pepper, SHA-256(text))
//
// The text has 256 random bits, so a plain hash cannot be searched. The pepper
// is for those who want a stolen file to be of no use even to check a guess.
type Digest [sha256.Size]byte

const hmacBlock = sha256.BlockSize

// hasher computes digests and integrity tags. It is immutable.
type hasher struct {
	peppered     bool
	inner, outer [hmacBlock]byte // the pepper XORed with HMAC's two pads
	tagKey       []byte
	check        Digest // shows that the pepper is the one of the store
}

// newHasher derives what depends on the pepper; nil means none. Without a
// pepper the tags find faults but stop nobody who can write to the file.
func newHasher(pepper []byte) *hasher {
	h := &hasher{peppered: len(pepper) > 0}
	key := pepper
	if len(key) > hmacBlock {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	copy(h.inner[:], key)
	copy(h.outer[:], key)
	for i := range hmacBlock {
		h.inner[i] ^= 0x36
		h.outer[i] ^= 0x5c
	}
	h.tagKey = mac(pepper, "keygate: key of the integrity tags, 1")
	copy(h.check[:], mac(pepper, "keygate: check of the pepper, 1"))
	return h
}

// digest finds the digest of a key's text without allocating. Texts are at
// most maxText bytes long; Lookup has refused longer ones.
func (h *hasher) digest(text string) Digest {
	var buf [maxText]byte
	sum := sha256.Sum256(buf[:copy(buf[:], text)])
	if !h.peppered {
		return sum
	}
	return h.hmac(sum)
}

// hmac is HMAC-SHA-256 over 32 bytes, written out because crypto/hmac
// allocates four times, and every check pays for it.
func (h *hasher) hmac(sum Digest) Digest {
	var block [hmacBlock + sha256.Size]byte
	copy(block[:], h.inner[:])
	copy(block[hmacBlock:], sum[:])
	inner := sha256.Sum256(block[:])
	copy(block[:], h.outer[:])
	copy(block[hmacBlock:], inner[:])
	return sha256.Sum256(block[:])
}

// tag authenticates the parts together. Each goes in behind its length, and
// domain names the use, so that no two uses share an input.
func (h *hasher) tag(domain string, parts ...[]byte) []byte {
	return mac(h.tagKey, domain, parts...)
}

// sealed reports whether tag is the tag of the parts, in constant time.
func (h *hasher) sealed(tag []byte, domain string, parts ...[]byte) bool {
	return hmac.Equal(tag, h.tag(domain, parts...))
}

func mac(key []byte, domain string, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	write := func(part []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		m.Write(n[:])
		m.Write(part)
	}
	write([]byte(domain))
	for _, part := range parts {
		write(part)
	}
	return m.Sum(nil)
}
