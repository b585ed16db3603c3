package keystore

import (
	"encoding/binary"
	"time"

	"github.com/oklog/ulid/v2"
)

// OnceFor is how long a call that was named is remembered.
const OnceFor = 24 * time.Hour

// maxOnce is the length of the longest name of a call, in characters.
const maxOnce = 200

const tagOnce = "keygate: once, 1"

func checkOnce(name string) error { return printable("idempotency_key", name, maxOnce) }

// onceKey names a call: every actor has names of its own, for each kind of call.
func (w *writer) onceKey(call, name string) []byte {
	return w.hasher.tag(tagOnce, []byte(w.by.Actor), []byte(call), []byte(name))
}

// onlyOnce is a *RepeatedError if the call was made before. A value that cannot
// be read, like one that is too old, is none.
func (w *writer) onlyOnce(call, name string) error {
	if name == "" {
		return nil
	}
	value := w.once.Get(w.onceKey(call, name))
	if len(value) != 8+16 || w.now.Sub(readTime(value)) >= OnceFor {
		return nil
	}
	return &RepeatedError{ID: ulid.ULID(value[8:]).String()}
}

// noteOnce remembers the call, and forgets some that are old.
func (w *writer) noteOnce(call, name, id string) error {
	if name == "" {
		return nil
	}
	made, _ := parseID(id)
	key := w.onceKey(call, name)
	at := binary.BigEndian.AppendUint64(nil, uint64(w.now.UnixMilli()))
	if err := w.onces.Put(append(at[:8:8], key...), nil); err != nil {
		return err
	}
	if err := w.once.Put(key, append(at[:8:8], made[:]...)); err != nil {
		return err
	}
	return w.forgetOnces()
}

// forgetOnces removes a few old calls, more than one call adds.
func (w *writer) forgetOnces() error {
	const few = 4
	for range few {
		k, _ := w.onces.Cursor().First()
		if len(k) < 8 || w.now.Sub(readTime(k)) < OnceFor {
			return nil
		}
		// A name that was used again since has a newer entry, which stays.
		if value := w.once.Get(k[8:]); len(value) >= 8 && string(value[:8]) == string(k[:8]) {
			if err := w.once.Delete(k[8:]); err != nil {
				return err
			}
		}
		if err := w.onces.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
