package usage

import "slices"

const (
	hourMillis = 60 * 60 * 1000
	dayMillis  = 24 * hourMillis

	// What is kept of a key.
	maxHours   = 48
	maxDays    = 90
	maxReasons = 16 // different ones
	maxText    = 64 // bytes of an address or a reason

	// maxMillis is the end of the year 9999; hours since 1970 fit into 32 bits.
	maxMillis = 253402300799999
)

// other counts the reasons that there is no room for, or that are no words.
const other = "other"

// tally is what is known of one key: of an interval, of its whole life, or of a
// part of it. Two of them add up.
type tally struct {
	first, used, denied int64 // ms since 1970; 0 = never
	passed, refused     uint64
	address             string
	reasons             []reasonCount
	hours, days         []slot // oldest first
}

type reasonCount struct {
	name string
	n    uint64
}

// slot is what happened in one hour or one day.
type slot struct {
	start           uint32 // hours or days since 1970
	passed, refused uint64
}

func (t *tally) add(e *Event, ms int64) {
	once := slot{}
	if e.Allowed {
		once.passed = 1
		t.used = max(t.used, ms)
	} else {
		once.refused = 1
		t.denied = max(t.denied, ms)
	}
	t.passed += once.passed
	t.refused += once.refused
	if t.first == 0 || ms < t.first {
		t.first = ms
	}
	once.start = uint32(ms / hourMillis)
	t.hours = addSlot(t.hours, once, maxHours)
	once.start = uint32(ms / dayMillis)
	t.days = addSlot(t.days, once, maxDays)
	t.addReason(e.Reason, 1)
	if e.Address != t.address && e.Address != "" && isText(e.Address) {
		t.address = e.Address
	}
}

// merge adds what u has. It keeps no slice of u.
func (t *tally) merge(u *tally) {
	if u.address != "" && (t.address == "" || max(u.used, u.denied) >= max(t.used, t.denied)) {
		t.address = u.address
	}
	if t.first == 0 || u.first != 0 && u.first < t.first {
		t.first = u.first
	}
	t.used = max(t.used, u.used)
	t.denied = max(t.denied, u.denied)
	t.passed += u.passed
	t.refused += u.refused
	for _, r := range u.reasons {
		t.addReason(r.name, r.n)
	}
	for _, s := range u.hours {
		t.hours = addSlot(t.hours, s, maxHours)
	}
	for _, s := range u.days {
		t.days = addSlot(t.days, s, maxDays)
	}
}

// reset empties the tally, and keeps its memory.
func (t *tally) reset() {
	clear(t.reasons) // which let go of their names
	*t = tally{reasons: t.reasons[:0], hours: t.hours[:0], days: t.days[:0]}
}

// addReason counts under the name, if it is a word and there is room for it.
func (t *tally) addReason(name string, n uint64) {
	i := t.reasonAt(name)
	if i < 0 && (name == "" || !isText(name) || len(t.reasons) >= maxReasons-1) {
		name = other
		i = t.reasonAt(name)
	}
	if i < 0 {
		t.reasons = append(t.reasons, reasonCount{name, n})
		return
	}
	t.reasons[i].n += n
}

func (t *tally) reasonAt(name string) int {
	for i := range t.reasons {
		if t.reasons[i].name == name {
			return i
		}
	}
	return -1
}

// addSlot adds to the slot of the same start, or makes one in its place. Of more
// than most slots the oldest goes.
func addSlot(list []slot, s slot, most int) []slot {
	i := len(list)
	for i > 0 && list[i-1].start > s.start {
		i--
	}
	if i > 0 && list[i-1].start == s.start {
		list[i-1].passed += s.passed
		list[i-1].refused += s.refused
		return list
	}
	if len(list) < most {
		return slices.Insert(list, i, s)
	}
	if i == 0 {
		return list
	}
	copy(list, list[1:i])
	list[i-1] = s
	return list
}

// trim forgets what is too old at the time now. A slot that is more than one
// ahead of now is from a clock that was wrong, and would only push out others;
// a moment ahead of now becomes now, so that the key does not look unused.
func (t *tally) trim(now int64) {
	t.hours = trimSlots(t.hours, now/hourMillis, maxHours)
	t.days = trimSlots(t.days, now/dayMillis, maxDays)
	t.first = min(t.first, now)
	t.used = min(t.used, now)
	t.denied = min(t.denied, now)
}

func trimSlots(list []slot, now int64, most int) []slot {
	return slices.DeleteFunc(list, func(s slot) bool {
		return int64(s.start)+int64(most) <= now || int64(s.start) > now+1
	})
}

// isText reports whether s is short and printable ASCII: what is kept ends up on
// terminals and pages.
func isText(s string) bool {
	if len(s) > maxText {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
