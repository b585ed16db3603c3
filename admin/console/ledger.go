package console

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"
)

// ledger keeps what was handed out under random tokens: sessions and one-time
// links. It knows only the hashes of the tokens, so that what reads the memory
// of the server cannot use one. It is bounded, in all and for each owner, and
// forgets those first that were used the longest ago.
type ledger[T any] struct {
	idle      time.Duration // an entry ends when it was not used for so long
	life      time.Duration // and so long after it was made
	most      int
	mostOfOne int // entries of one owner
	now       func() time.Time

	mu      sync.Mutex
	entries map[tokenHash]*entry[T]
}

type tokenHash [sha256.Size]byte

type entry[T any] struct {
	value      T
	owner      string
	made, used time.Time
}

func newLedger[T any](idle, life time.Duration, most, mostOfOne int, now func() time.Time) *ledger[T] {
	return &ledger[T]{idle: idle, life: life, most: most, mostOfOne: mostOfOne, now: now, entries: map[tokenHash]*entry[T]{}}
}

// newToken is 256 bits from the system's source of randomness, in 43 characters
// that a URL can hold.
func newToken() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // it never fails: see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// add keeps a value of an owner and returns its token.
func (l *ledger[T]) add(owner string, value T) (token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.makeRoom(owner)
	token, now := newToken(), l.now()
	l.entries[sha256.Sum256([]byte(token))] = &entry[T]{value, owner, now, now}
	return token
}

// makeRoom forgets what has ended, and more if that is not enough.
func (l *ledger[T]) makeRoom(owner string) {
	ofOwner := 0
	for hash, e := range l.entries {
		switch {
		case l.ended(e):
			delete(l.entries, hash)
		case e.owner == owner:
			ofOwner++
		}
	}
	if ofOwner >= l.mostOfOne {
		l.forget(func(e *entry[T]) bool { return e.owner == owner })
	}
	if len(l.entries) >= l.most {
		l.forget(func(*entry[T]) bool { return true })
	}
}

// forget removes, of those that are meant, the one that was used the longest ago.
func (l *ledger[T]) forget(meant func(*entry[T]) bool) {
	var oldest tokenHash
	var found *entry[T]
	for hash, e := range l.entries {
		if meant(e) && (found == nil || e.used.Before(found.used)) {
			oldest, found = hash, e
		}
	}
	delete(l.entries, oldest)
}

func (l *ledger[T]) ended(e *entry[T]) bool {
	now := l.now()
	return now.Sub(e.used) >= l.idle || now.Sub(e.made) >= l.life
}

// living finds the entry of a token, or nil. The caller holds the lock.
func (l *ledger[T]) living(token string) *entry[T] {
	hash := tokenHash(sha256.Sum256([]byte(token)))
	e := l.entries[hash]
	if e != nil && l.ended(e) {
		delete(l.entries, hash)
		return nil
	}
	return e
}

// use returns what a token stands for and keeps it from ending idle.
func (l *ledger[T]) use(token string) (value T, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.living(token)
	if e == nil {
		return value, false
	}
	e.used = l.now()
	return e.value, true
}

// look returns what a token stands for and changes nothing.
func (l *ledger[T]) look(token string) (value T, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.living(token); e != nil {
		return e.value, true
	}
	return value, false
}

// change lets fn change what a token stands for.
func (l *ledger[T]) change(token string, fn func(*T)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.living(token); e != nil {
		fn(&e.value)
	}
}

// take returns what a token stands for and ends it. Of several callers at once
// one gets it.
func (l *ledger[T]) take(token string) (value T, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.living(token)
	if e == nil {
		return value, false
	}
	delete(l.entries, sha256.Sum256([]byte(token)))
	return e.value, true
}
