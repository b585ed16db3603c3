package admin

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/antinium/keygate/keystore"
)

// changed is what the log says about a change: which key, and from what to what.
type changed struct{ keyID, from, to string }

// logChange writes the one line of an attempt to change a key. It carries the head
// of the audit after the change, or after a later one: whoever keeps the log can
// tell that the audit was rewritten.
func (k *Keyring) logChange(ctx context.Context, action string, what changed, err error) {
	attrs := append([]slog.Attr{slog.String("action", action), slog.String("key_id", loggableID(what.keyID))}, asker(k.by)...)
	if err != nil {
		k.log.LogAttrs(ctx, levelOf(err), "key change failed", append(attrs, slog.Any("error", err))...)
		return
	}
	k.log.LogAttrs(ctx, slog.LevelInfo, "key changed", append(attrs,
		slog.String("from", what.from), slog.String("to", what.to), slog.String("audit_head", k.store.AuditHead().String()))...)
}

// asker is who asks, for the log.
func asker(by keystore.By) []slog.Attr {
	return []slog.Attr{
		slog.String("actor", by.Actor),
		slog.String("address", by.Address),
		slog.String("claimed", loggable(by.Claimed, keystore.MaxWho)),
		slog.String("reason", loggable(by.Reason, keystore.MaxReason)),
		slog.String("request_id", loggable(by.RequestID, keystore.MaxWho)),
	}
}

// plural is a number of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// levelOf tells what the caller got wrong from what somebody must look at.
func levelOf(err error) slog.Level {
	if statusOf(err) >= http.StatusInternalServerError {
		return slog.LevelError
	}
	return slog.LevelWarn
}

// loggable bounds what a caller said, and drops it if it holds a key: a change
// that the keystore refused for that reason is logged all the same.
func loggable(s string, most int) string {
	if keystore.LooksLikeKey(s, "") {
		return "(holds a key)"
	}
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most])
	}
	return s
}

// loggableID shows only what has the shape of an id: people paste keys where
// ids are wanted.
func loggableID(id string) string {
	const upper = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	if id == "" || len(id) == 26 && strings.Trim(id, upper) == "" {
		return id
	}
	return "(not an id)"
}
