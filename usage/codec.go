package usage

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A value of the file, in numbers of variable length (uvarint) but for the sum:
//
//	version                    1
//	first, used, denied        ms since 1970, 0 = never
//	passed, refused            totals
//	address                    length, bytes
//	reasons                    how many, then each: length, bytes, count
//	hours, days                how many, then from the newest to the oldest:
//	                           start (of the others how much earlier), passed, refused
//	sum                        4 bytes of CRC-32C over the key and what precedes
//
// The sum finds flipped bits, and values that stand under another key.
const valueVersion = 1

var (
	errDamagedValue = errors.New("a stored value is damaged")
	castagnoli      = crc32.MakeTable(crc32.Castagnoli)
)

// appendTally appends the value of a key to b.
func appendTally(b []byte, id string, t *tally) []byte {
	begin := len(b)
	b = append(b, valueVersion)
	for _, n := range []uint64{uint64(t.first), uint64(t.used), uint64(t.denied), t.passed, t.refused} {
		b = binary.AppendUvarint(b, n)
	}
	b = appendText(b, t.address)
	b = binary.AppendUvarint(b, uint64(len(t.reasons)))
	for _, r := range t.reasons {
		b = binary.AppendUvarint(appendText(b, r.name), r.n)
	}
	b = appendSlots(appendSlots(b, t.hours), t.days)
	return binary.BigEndian.AppendUint32(b, sum(id, b[begin:]))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendSlots(b []byte, list []slot) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for i := len(list) - 1; i >= 0; i-- {
		start := list[i].start
		if i < len(list)-1 {
			start = list[i+1].start - start
		}
		b = binary.AppendUvarint(b, uint64(start))
		b = binary.AppendUvarint(b, list[i].passed)
		b = binary.AppendUvarint(b, list[i].refused)
	}
	return b
}

func sum(id string, body []byte) uint32 {
	var key [maxID]byte // which a conversion would put on the heap
	return crc32.Update(crc32.Checksum(key[:copy(key[:], id)], castagnoli), castagnoli, body)
}

// readTally reads the value of a key into t, which it empties first. Of a nil
// value, which is none, it is empty. Of one that does not decode, too, and the
// error says so.
func readTally(t *tally, id string, value []byte, known names) error {
	t.reset()
	if value == nil {
		return nil
	}
	d, ok := openValue(id, value)
	if !ok {
		return errDamagedValue
	}
	t.first, t.used, t.denied = d.millis(), d.millis(), d.millis()
	t.passed, t.refused = d.number(), d.number()
	t.address = d.text(known)
	for range d.count(maxReasons) {
		name := d.text(known)
		t.reasons = append(t.reasons, reasonCount{name, d.number()})
	}
	t.hours = d.slots(t.hours, maxHours)
	t.days = d.slots(t.days, maxDays)
	if d.failed || len(d.rest) != 0 {
		t.reset()
		return errDamagedValue
	}
	return nil
}

// readUsed reads only when the key was last used.
func readUsed(id string, value []byte) int64 {
	d, ok := openValue(id, value)
	if !ok {
		return 0
	}
	d.millis()
	used := d.millis()
	if d.failed {
		return 0
	}
	return used
}

// decoder reads what is left of a value. After something that cannot be, it
// has failed, and gives zeros.
type decoder struct {
	rest   []byte
	failed bool
}

// openValue checks version and sum.
func openValue(id string, value []byte) (decoder, bool) {
	const sumSize = 4
	if len(value) < 1+sumSize || value[0] != valueVersion {
		return decoder{}, false
	}
	body := value[:len(value)-sumSize]
	if binary.BigEndian.Uint32(value[len(body):]) != sum(id, body) {
		return decoder{}, false
	}
	return decoder{rest: body[1:]}, true
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.failed, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// atMost reads a number and fails if it is larger.
func (d *decoder) atMost(most uint64) uint64 {
	n := d.number()
	if n > most {
		d.failed, d.rest = true, nil
		return 0
	}
	return n
}

func (d *decoder) millis() int64      { return int64(d.atMost(maxMillis)) }
func (d *decoder) count(most int) int { return int(d.atMost(uint64(most))) }

func (d *decoder) text(known names) string {
	n := d.count(min(maxText, len(d.rest)))
	if n > len(d.rest) {
		d.failed, d.rest = true, nil
		return ""
	}
	s := known.text(d.rest[:n])
	d.rest = d.rest[n:]
	if !isText(s) {
		d.failed = true
	}
	return s
}

// slots reads a list that appendSlots wrote, oldest first, into list.
func (d *decoder) slots(list []slot, most int) []slot {
	n := d.count(most)
	for range n {
		list = append(list, slot{})
	}
	start := uint64(0)
	for i := n - 1; i >= 0; i-- {
		next := d.atMost(maxMillis / hourMillis)
		switch {
		case i == n-1:
			start = next
		case next == 0 || next > start:
			d.failed = true
		default:
			start -= next
		}
		list[i] = slot{uint32(start), d.number(), d.number()}
	}
	return list
}

// names spares an allocation for each text of each value: reasons are few, and
// addresses come again. A nil names remembers nothing.
type names map[string]string

const maxNames = 1024

func (n names) text(b []byte) string {
	if s, ok := n[string(b)]; ok {
		return s
	}
	s := string(b)
	if n == nil {
		return s
	}
	if len(n) >= maxNames {
		clear(n)
	}
	n[s] = s
	return s
}
