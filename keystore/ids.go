package keystore

import (
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
)

// newID makes an id that sorts behind last, which is the zero ULID in an empty
// store: ids tell the order of creation, also within one millisecond.
func newID(now time.Time, last ulid.ULID) (ulid.ULID, error) {
	id, err := ulid.New(uint64(now.UnixMilli()), randomSource)
	if err != nil {
		return ulid.ULID{}, fmt.Errorf("make an id: %w", err)
	}
	if id.Compare(last) > 0 {
		return id, nil
	}
	return nextID(last)
}

// nextID adds one.
func nextID(id ulid.ULID) (ulid.ULID, error) {
	for i := len(id) - 1; i >= 0; i-- {
		id[i]++
		if id[i] != 0 {
			return id, nil
		}
	}
	return ulid.ULID{}, fmt.Errorf("make an id: the last one is the highest there is")
}

// parseID reads an id exactly as the store prints it.
func parseID(s string) (ulid.ULID, bool) {
	id, err := ulid.ParseStrict(s)
	return id, err == nil && id.String() == s
}

func validID(s string) bool {
	_, ok := parseID(s)
	return ok
}
