package keystore

import (
	"bytes"

	bolt "go.etcd.io/bbolt"
)

// allInOrder is inOrder for many entries that are sorted. It looks at each good
// entry once, where they stand close together.
func allInOrder(b *bolt.Bucket, entries []entry, pages int, good func(k, v []byte) bool) bool {
	w := orderWalk{page: pages * b.Tx().DB().Info().PageSize, good: good, seeker: b.Cursor(), judge: b.Cursor()}
	for _, e := range entries {
		if !w.covers(e.k) {
			return false
		}
	}
	return true
}

// orderWalk judges the stretches around many keys, in rising order.
type orderWalk struct {
	page          int
	good          func(k, v []byte) bool
	seeker, judge *bolt.Cursor
	landed        []byte // where the last key stands, or would
	upTo          []byte // how far judge is; nil at the start
}

// covers judges the stretch around a key.
func (w *orderWalk) covers(key []byte) bool {
	landed, _ := seekOrLast(w.seeker, key)
	if landed == nil || w.landed != nil && bytes.Equal(landed, w.landed) {
		return true
	}
	w.landed = landed
	from, ok := w.stretch(key, w.seeker.Prev, -1, 2*w.page)
	if !ok {
		return false
	}
	to, ok := w.stretch(key, w.seeker.Next, 1, w.page)
	return ok && w.judgeAll(from, to)
}

// stretch finds the end of a stretch, looking at nothing but the order.
func (w *orderWalk) stretch(key []byte, step func() (k, v []byte), sign, most int) (end []byte, ordered bool) {
	ordered = true
	k, v := seekOrLast(w.seeker, key)
	ascending(k, v, step, sign, most, func(k, _ []byte) bool {
		ordered = end == nil || bytes.Compare(k, end) == sign
		end = k
		return ordered
	})
	return end, ordered
}

// judgeAll judges the entries from one to another, as far as it has not yet.
func (w *orderWalk) judgeAll(from, to []byte) bool {
	if w.upTo == nil || bytes.Compare(w.upTo, from) < 0 {
		k, v := w.judge.Seek(from)
		if !bytes.Equal(k, from) || !w.good(k, v) {
			return false
		}
		w.upTo = k
	}
	for bytes.Compare(w.upTo, to) < 0 {
		k, v := w.judge.Next()
		if k == nil || bytes.Compare(k, w.upTo) <= 0 || !w.good(k, v) {
			return false
		}
		w.upTo = k
	}
	return true
}
