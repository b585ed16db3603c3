package keystore

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a key's text. Whatever prints, logs or encodes it gets
// "[redacted]"; Reveal is the only way to the text.
type Secret struct {
	// A pointer, since fmt walks into unexported fields of other structs
	// without asking for a Formatter, and there shows an address only.
	text *string
}

// NewSecret wraps a key's text.
func NewSecret(text string) Secret { return Secret{text: &text} }

// Reveal returns the text: for the one answer that shows it, and for Lookup.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]", for %#v.
func (Secret) GoString() string { return redacted }

// Format prints "[redacted]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]", for log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
