package usage

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"testing"
)

// sampleTally is what a busy key has in its value of the bucket "keys".
func sampleTally() *tally {
	return &tally{
		first: 1772368200000, used: 1772454600123, denied: 1772454600999, passed: 123456, refused: 7, address: "203.0.113.77",
		reasons: []reasonCount{{"allowed", 123456}, {"expired", 7}},
		hours:   []slot{{492348, 1234, 7}},
		days:    []slot{{20514, 12345, 7}},
	}
}

func fullTally() *tally {
	t := sampleTally()
	for i := range uint32(maxHours - 1) {
		t.hours = addSlot(t.hours, slot{492300 + i, 1000, 1}, maxHours)
	}
	for i := range uint32(maxDays - 1) {
		t.days = addSlot(t.days, slot{20424 + i, 24000, 24}, maxDays)
	}
	return t
}

func TestValues(t *testing.T) {
	for _, want := range []*tally{{}, sampleTally(), fullTally()} {
		value := appendTally([]byte("before"), "k", want)[len("before"):]
		got := *fullTally() // what was there before is gone
		if err := readTally(&got, "k", value, names{}); err != nil {
			t.Fatal(err)
		}
		if again := appendTally(nil, "k", &got); !bytes.Equal(again, value) {
			t.Errorf("%+v\nwant\n%+v", got, want)
		}
		if got.used != want.used || got.passed != want.passed || len(got.hours) != len(want.hours) || readUsed("k", value) != want.used {
			t.Errorf("%+v\nwant\n%+v", got, want)
		}
	}
}

// TestValuesAreSmall: a hundred thousand of them are written in one interval.
func TestValuesAreSmall(t *testing.T) {
	busy, full := appendTally(nil, "k", sampleTally()), appendTally(nil, "k", fullTally())
	t.Logf("%d bytes of a busy key, %d with all its past", len(busy), len(full))
	if len(busy) > 80 || len(full) > 1000 {
		t.Errorf("%d and %d bytes", len(busy), len(full))
	}
}

// TestDamagedValue: a value with a flipped bit, one that is cut, and that of
// another key or version are as none.
func TestDamagedValue(t *testing.T) {
	value := appendTally(nil, "k", sampleTally())
	refused := func(what, id string, value []byte) {
		t.Helper()
		got := *sampleTally()
		if err := readTally(&got, id, value, nil); err != errDamagedValue || !reflect.DeepEqual(got, tally{reasons: got.reasons, hours: got.hours, days: got.days}) ||
			len(got.reasons)+len(got.hours)+len(got.days) != 0 || readUsed(id, value) != 0 {
			t.Errorf("%s: %v, %+v", what, err, got)
		}
	}
	for i := range 8 * len(value) {
		flipped := bytes.Clone(value)
		flipped[i/8] ^= 1 << (i % 8)
		refused("a flipped bit", "k", flipped)
	}
	for i := range value {
		refused("cut", "k", value[:i])
	}
	refused("longer", "k", append(bytes.Clone(value), 0))
	refused("of another key", "j", value)
	newer := bytes.Clone(value[:len(value)-4])
	newer[0]++
	for _, body := range [][]byte{newer, {1}, append([]byte{1}, bytes.Repeat([]byte{0xFF}, 40)...), {1, 0, 0, 0, 0, 0, 0, 17}, {1, 0, 0, 0, 0, 0, 65}, {1, 0, 0, 0, 0, 0, 0, 0, 49}, {1, 0, 0, 0, 0, 0, 0, 0, 2, 5, 0, 0, 0, 0, 0, 0}} {
		refused("with a right sum", "k", binary.BigEndian.AppendUint32(body, sum("k", body)))
	}
}

// TestDamagedValueIsReplaced: in the file, too.
func TestDamagedValueIsReplaced(t *testing.T) {
	r := mustOpen(t, Options{Path: newPath(t)})
	r.Count(allowed("k"))
	r.Count(allowed("other"))
	mustFlush(t, r)
	tx, err := r.file.Load().prepare(func(tx *transaction) error {
		return tx.heads.Put([]byte("k"), []byte{valueVersion + 1, 2, 3, 4, 5, 6})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.file.Load().commit(tx); err != nil {
		t.Fatal(err)
	}
	wantAllowed(t, r, "k", 0)
	wantAllowed(t, r, "other", 1)
	r.Count(allowed("k"))
	wantAllowed(t, r, "k", 1)
	mustFlush(t, r)
	wantAllowed(t, r, "k", 1)
	if n := r.Stats().DamagedValues; n != 1 {
		t.Errorf("%d damaged values", n)
	}
}

func FuzzReadTally(f *testing.F) {
	f.Add(appendTally(nil, "k", sampleTally()))
	f.Add(appendTally(nil, "k", fullTally()))
	f.Fuzz(func(t *testing.T, body []byte) {
		value := binary.BigEndian.AppendUint32(body, sum("k", body)) // what it takes to come further than the sum
		var got tally
		if readTally(&got, "k", value, names{}) != nil {
			return
		}
		got.trim(1772454600999)
		got.merge(sampleTally()) // and nothing in it is too much for what follows
		got.addReason("x", 1)
		var again tally
		if err := readTally(&again, "k", appendTally(nil, "k", &got), nil); err != nil {
			t.Errorf("%+v: %v", got, err)
		}
	})
}

// TestAnyBytes is the fuzz test on random bytes, in every run.
func TestAnyBytes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	value := appendTally(nil, "k", fullTally())
	for range 20_000 {
		body := bytes.Clone(value[:1+rnd.IntN(len(value)-1)])
		for range rnd.IntN(4) {
			body[rnd.IntN(len(body))] = byte(rnd.Uint32())
		}
		var got tally
		_ = readTally(&got, "k", binary.BigEndian.AppendUint32(body, sum("k", body)), nil)
	}
}
