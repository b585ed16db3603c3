package keystore

import (
	"fmt"
	"time"
)

// The defaults of Options.
const (
	DefaultCacheRecords = 65536
	DefaultPrefix       = "ant_"
	DefaultLockTimeout  = 2 * time.Second

	MinPepper = 32 // bytes
)

// Options say how to open a store. Only Path is required.
type Options struct {
	Path         string           // the file; its folder must exist
	CacheRecords int              // records kept in memory; 0 = DefaultCacheRecords
	Pepper       []byte           // nil = none, else MinPepper bytes or more; fixed for the life of the store
	Prefix       string           // of new keys; "" = DefaultPrefix
	LockTimeout  time.Duration    // how long to wait for another process to let go of the file; 0 = DefaultLockTimeout
	Clock        func() time.Time // wall clock, with monotonic reading; nil = time.Now
	OnCorrupt    func(id string)  // called, on the goroutine of the check, for each damaged record met; must not block; may be nil

	// OnIndexFault is called for each key that the index of ids does not lead
	// to, though its record is sound: it works, is listed and can be changed,
	// slowly, and a change mends its entry. Called by Census, Get and the
	// changes, under locks of the store: it must neither block nor call it.
	OnIndexFault func(id string) // may be nil
}

// Format keeps the pepper out of whatever prints the options.
func (o Options) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "keystore.Options{Path:%q Pepper:%s}", o.Path, redacted)
}

// complete fills in the defaults and refuses what cannot work.
func (o Options) complete() (Options, error) {
	if o.CacheRecords == 0 {
		o.CacheRecords = DefaultCacheRecords
	}
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if o.LockTimeout == 0 {
		o.LockTimeout = DefaultLockTimeout
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	switch {
	case o.Path == "":
		return o, &InvalidError{Field: "path", Problem: "must not be empty"}
	case o.CacheRecords < 0:
		return o, &InvalidError{Field: "cache_records", Problem: "must be 1 or more"}
	case o.Pepper != nil && len(o.Pepper) < MinPepper:
		return o, &InvalidError{Field: "pepper", Problem: fmt.Sprintf("has %d bytes; %d or more are needed", len(o.Pepper), MinPepper)}
	case !ValidPrefix(o.Prefix):
		return o, &InvalidError{Field: "prefix", Problem: quote(o.Prefix) + " is not 1-12 characters of a-z 0-9 and an underscore"}
	}
	return o, nil
}
