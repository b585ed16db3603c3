package keystore

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
)

// OnceFor is how long a call that was named is remembered.
const OnceFor = 24 * time.Hour

// maxOnce is the length of the longest name of a call, in characters.
const maxOnce = 200

const tagOnce = "keygate: once, 1"

func checkOnce(name string) error { return printable("idempotency_key", name, maxOnce) }

// onceKey names a call: every actor has names of its own, in each scope that it acts in,
// for each kind of call.
func (w *writer) onceKey(call, name string) []byte {
	actor := w.by.Actor
	if w.by.Scope != "" {
		actor += "\x00" + w.by.Scope
	}
	return w.hasher.tag(tagOnce, []byte(actor), []byte(call), []byte(name))
}

// onlyOnce is a *RepeatedError if the call was made before. A value that cannot
// be read, like one that is too old, is none.
func (w *writer) onlyOnce(call, name string) error {
	if name == "" {
		return nil
	}
	value := w.once.Get(w.onceKey(call, name))
	if len(value) != onceLength || w.now.Sub(readTime(value)) >= OnceFor {
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
	key, at := w.onceKey(call, name), appendTime(nil, w.now)
	if err := w.orderOnces(key, byAge(at, key)); err != nil {
		return err
	}
	if err := w.forgetOnce(key); err != nil { // of a name that is used again
		return err
	}
	if err := w.onces.Put(byAge(at, key), nil); err != nil {
		return err
	}
	if err := w.once.Put(key, append(at, made[:]...)); err != nil {
		return err
	}
	return w.forgetOnces()
}

// onceLength is the length of a value of once: a time and an id.
const onceLength = 8 + 16

// byAge is the entry of onces for one of once.
func byAge(at, key []byte) []byte { return append(at[:8:8], key...) }

// forgetOnces removes a few old calls, more than one call adds.
func (w *writer) forgetOnces() error {
	const few = 4
	for range few {
		k, _ := w.onces.Cursor().First()
		if len(k) > 8 && w.now.Sub(readTime(k)) < OnceFor || k == nil {
			return nil
		}
		key := bytes.Clone(k[min(8, len(k)):])
		if err := w.orderOnces(key, bytes.Clone(k)); err != nil {
			return err
		}
		if err := w.forgetOnce(key); err != nil {
			return err
		}
	}
	return nil
}

// forgetOnce removes a call from both buckets.
func (w *writer) forgetOnce(key []byte) error {
	value := w.once.Get(key)
	if value == nil {
		return nil
	}
	age := byAge(value, key)
	if err := w.once.Delete(key); err != nil {
		return err
	}
	return w.onces.Delete(age)
}

// orderOnces makes both buckets anew if the pages of these two entries are not
// in order, from what once has: see rebuild.go.
func (w *writer) orderOnces(key, age []byte) (err error) {
	ordered1, err1 := w.store.areInOrder(w.once, are(key), true)
	ordered2, err2 := w.store.areInOrder(w.onces, are(age), true)
	if err := errors.Join(err1, err2); err != nil || ordered1 && ordered2 {
		return err
	}
	var calls, ages []entry
	err = w.once.ForEach(func(k, v []byte) error {
		if len(k) == tagLength && len(v) == onceLength {
			calls = append(calls, entry{bytes.Clone(k), bytes.Clone(v)})
			ages = append(ages, entry{k: byAge(bytes.Clone(v), k)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(calls, byKey)
	slices.SortFunc(ages, byKey)
	if w.once, err = refill(w.once.Tx(), bucketOnce, calls); err != nil {
		return err
	}
	w.onces, err = refill(w.onces.Tx(), bucketOnces, ages)
	return err
}
