// Package keystore keeps API keys: their text is minted here, only a digest of
// it is stored, and a check finds the record behind a presented text.
//
// The store is one bbolt file behind an LRU cache of records. It is the only
// importer of bbolt, golang-lru and ulid. A Store may be used by any number of
// goroutines; one process at a time owns its file.
//
// What a caller may rely on, each held by a test:
//
//   - A check that begins after a revoke has returned is denied (Revoke).
//   - Nothing acknowledged is lost (Create).
//   - A change happens whole or not at all (Rotate).
//   - An import happens whole or not at all (FinishImport).
//   - No record is readable with more permission than was written (Lookup).
//   - Two first starts never both own a store (Open).
package keystore
