package usage

// pageFill is how full bbolt leaves a page that it splits. Values hardly grow and
// ids come in order, so its usual half would stay half, and double what a flush
// writes: 340 bytes of file for a key instead of 170 (BenchmarkFlush).
const pageFill = 0.9

// writer is what one transaction after the other needs.
type writer struct {
	sent       []tally // of the entries of the transaction
	head, past tally
	bytes      []byte // keys and values of the transaction: bbolt wants them unchanged until its end
	names      names
}

// store stores the fresh counts of a piece in one transaction. If that fails,
// they are fresh again.
func (r *Recorder) store(piece []*entry) error {
	f := r.file.Load()
	m := r.watch.marks(r.millis())
	r.take(piece)
	t, err := f.prepare(func(t *transaction) error {
		r.writer.bytes = r.writer.bytes[:0]
		t.heads.FillPercent, t.past.FillPercent = pageFill, pageFill
		for _, en := range piece {
			if err := r.put(t, en, m.alive); err != nil {
				return err
			}
		}
		return t.putMarks(m)
	})
	r.joined.Lock()
	defer r.joined.Unlock()
	stored := false
	if err == nil {
		stored, err = f.commit(t)
	}
	if stored {
		r.watch.stored(m)
	}
	r.settle(piece, stored)
	if r.testingOnlyStored != nil {
		r.testingOnlyStored(len(piece))
	}
	return err
}

// take moves what is fresh to sent. Of counts both.
func (r *Recorder) take(piece []*entry) {
	if len(r.writer.sent) < len(piece) {
		r.writer.sent = make([]tally, len(piece))
	}
	for i, en := range piece {
		sent := &r.writer.sent[i]
		sent.reset()
		sh := r.shard(en.id)
		sh.mu.Lock()
		sent.merge(&en.fresh)
		en.fresh.reset()
		en.sent, en.dirty = sent, false
		sh.mu.Unlock()
	}
}

// settle ends what take began. The caller holds r.joined.
func (r *Recorder) settle(piece []*entry, stored bool) {
	for _, en := range piece {
		sh := r.shard(en.id)
		sh.mu.Lock()
		if !stored {
			en.fresh.merge(en.sent)
			sh.mark(en)
		}
		en.sent = nil
		sh.mu.Unlock()
	}
}

// put adds what is sent to what is stored. A damaged value is replaced.
func (r *Recorder) put(t *transaction, en *entry, now int64) error {
	w := &r.writer
	id := w.keep(append(w.bytes, en.id...))
	if readTally(&w.head, en.id, t.heads.Get(id), w.names) != nil {
		r.damaged.Add(1)
	}
	w.head.trim(now)
	w.head.merge(en.sent)
	w.head.trim(now)
	if len(w.head.hours) > 1 || len(w.head.days) > 1 {
		if readTally(&w.past, en.id, t.past.Get(id), w.names) != nil {
			r.damaged.Add(1)
		}
		w.past.trim(now)
		w.past.hours = moveOlder(&w.head.hours, w.past.hours, maxHours)
		w.past.days = moveOlder(&w.head.days, w.past.days, maxDays)
		if err := t.past.Put(id, w.keep(appendTally(w.bytes, en.id, &w.past))); err != nil {
			return err
		}
	}
	return t.heads.Put(id, w.keep(appendTally(w.bytes, en.id, &w.head)))
}

// keep takes the bytes that grew, and gives what is new in them.
func (w *writer) keep(grown []byte) []byte {
	begin := len(w.bytes)
	w.bytes = grown
	return grown[begin:len(grown):len(grown)]
}

// moveOlder moves all slots but the newest to another list.
func moveOlder(from *[]slot, to []slot, most int) []slot {
	last := len(*from) - 1
	for i := range max(last, 0) {
		to = addSlot(to, (*from)[i], most)
	}
	if last > 0 {
		(*from)[0] = (*from)[last]
		*from = (*from)[:1]
	}
	return to
}
