package keystore

import (
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The file is a bbolt database of these buckets:
//
//	meta    "format"           uint32: 2
//	        "pepper"           0 (none) or 1 (peppered), and 32 bytes that show which pepper
//	        "store_id"         16 random bytes                                          + tag
//	        "time_mark"        int64: us since 1970, the highest time seen              + tag
//	        "imported"         1 byte: whether a key from elsewhere was ever imported   + tag
//	        "prefix:ant_"      empty; one for each prefix that was ever minted          + tag
//	        "audit_anchor"     seq and link of the last audit record that was pruned    + tag
//	keys    digest (32 bytes) -> record (see codec.go)                                  + tag
//	ids     id (16 bytes)     -> digest
//	audit   seq (uint64)      -> link (32 bytes), versioned JSON (see audit.go)
//	finds   kind ... id       -> nothing (see finds.go)
//	once    hash (32 bytes)   -> time, id of the key that a call made (see once.go)
//	onces   time, hash        -> nothing: once by age
//	imports id (16 bytes)     -> how far an import is (see imports.go)                  + tag
//
// Numbers are big-endian. A tag is 32 bytes of HMAC-SHA-256 over the place and
// the value in front of it: bbolt itself does not notice a flipped bit in a
// data page. A check costs one descent in keys; ids serves the administration
// alone. A digest exists once, in whatever state. Nothing in keys and ids is ever
// deleted but what an unfinished import brought, and nothing in audit but what
// is older than it is to be kept.
const fileFormat = 2

var (
	bucketMeta    = []byte("meta")
	bucketKeys    = []byte("keys")
	bucketIDs     = []byte("ids")
	bucketAudit   = []byte("audit")
	bucketFinds   = []byte("finds")
	bucketOnce    = []byte("once")
	bucketOnces   = []byte("onces")
	bucketImports = []byte("imports")
)

// Store is an open key store. Close releases it.
type Store struct {
	path         string
	prefix       string // of new keys
	onCorrupt    func(id string)
	onIndexFault func(id string)
	hasher       *hasher
	clock        *clock
	cache        *cache
	id           string

	db        *bolt.DB
	locked    *os.File // what db works on
	file      *mappedFile
	writing   sync.Mutex // one change at a time; guards broken, mark and closing
	broken    error      // set when a commit panicked: no more changes
	mark      time.Time  // the time mark as it is in the file
	closed    atomic.Bool
	surveying sync.Mutex               // one change of many keys looks around at a time
	finished  atomic.Uint64            // imports that were finished
	prefixes  atomic.Pointer[[]string] // sorted; every prefix a key here can have
	older     bool                     // the file is of an older format, until upgrade
	imported  atomic.Bool              // whether a key from elsewhere was ever imported
	head      atomic.Pointer[AuditHead]

	importing sync.Mutex // one call of an import at a time; taken before writing
	underway  *underway  // nil while there is none
	bounds    importBounds

	hits, misses, junk, failures, corrupt atomic.Uint64
	unindexed                             atomic.Int64 // by the last Census

	testingOnlyAfterRead func() // between the read of a record and its insert into the cache
}

// Lookup finds the record behind a key's text. It does not judge whether the
// key is revoked, disabled or expired: see Record.Status. ErrUnknownKey and
// ErrCorruptRecord are denials; any other error means that the store could not
// decide, and is never an answer about the key.
//
// The answer is as fresh as the last change that returned before the call.
// No record is readable with more permission than was written: one that fails
// its integrity check in any bit is ErrCorruptRecord, and an alarm.
func (s *Store) Lookup(token string) (*Record, error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	if !s.mayHold(token) {
		s.junk.Add(1)
		return nil, ErrUnknownKey
	}
	digest := s.hasher.digest(token)
	if rec, ok := s.cache.get(digest); ok {
		s.hits.Add(1)
		return rec, nil
	}
	return s.lookupInFile(digest)
}

// mayHold refuses, before any I/O, what cannot be a key of this store. While
// nothing was imported every key has a minted prefix and a checksum.
func (s *Store) mayHold(token string) bool {
	if token == "" || len(token) > maxText || !isToken(token) {
		return false
	}
	if s.imported.Load() {
		return true
	}
	prefix, _ := splitText(token)
	return slices.Contains(*s.prefixes.Load(), prefix) && soundText(token)
}

func (s *Store) lookupInFile(digest Digest) (*Record, error) {
	s.misses.Add(1)
	began := s.cache.begin()
	var rec *Record
	err := s.viewBuckets(func(tx *bolt.Tx) (err error) {
		rec, err = s.recordIn(tx, digest)
		return err
	})
	if s.testingOnlyAfterRead != nil {
		s.testingOnlyAfterRead()
	}
	if err != nil {
		return nil, s.readFailed(err)
	}
	s.cache.put(began, digest, rec)
	return rec, nil
}

// recordIn opens the one bucket that a check needs, or two for an imported key.
func (s *Store) recordIn(tx *bolt.Tx, digest Digest) (*Record, error) {
	keys := tx.Bucket(bucketKeys)
	if keys == nil {
		return nil, errNoBucket
	}
	r := reader{hasher: s.hasher, keys: keys}
	rec, err := r.stored(digest)
	if err != nil || rec.Import == "" {
		return rec, err
	}
	r.imports = tx.Bucket(bucketImports)
	if err := r.admit(rec); err != nil {
		return nil, err
	}
	return rec, nil
}

// readFailed counts what went wrong, and raises the alarm for a damaged record.
func (s *Store) readFailed(err error) error {
	var damaged *damagedRecord
	switch {
	case errors.As(err, &damaged):
		s.corrupt.Add(1)
		s.alarm(damaged)
	case !errors.Is(err, ErrUnknownKey):
		s.failures.Add(1)
	}
	return err
}

func (s *Store) alarm(damaged *damagedRecord) {
	if s.onCorrupt != nil {
		s.onCorrupt(damaged.id)
	}
}

// Now is the time by which keys expire: never behind the highest time that
// this store has seen, in this process or an earlier one, and never standing
// still. It allocates nothing.
func (s *Store) Now() time.Time { return s.clock.now() }

// ID identifies the store: 32 hexadecimal digits, made with the file.
func (s *Store) ID() string { return s.id }

// Prefixes returns every prefix that a key of this store can have: those it
// ever minted, and the one it mints now. The caller owns the result.
func (s *Store) Prefixes() []string { return slices.Clone(*s.prefixes.Load()) }

// addPrefix makes Lookup know a prefix.
func (s *Store) addPrefix(prefix string) {
	known := *s.prefixes.Load()
	if !slices.Contains(known, prefix) {
		known = append(slices.Clone(known), prefix)
		slices.Sort(known)
		s.prefixes.Store(&known)
	}
}
