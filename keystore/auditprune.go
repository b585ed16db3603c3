package keystore

import (
	"fmt"
	"strconv"
	"time"
)

// pruneBatch is how many records one transaction prunes: others wait for it.
const pruneBatch = 5000

// PruneAudit removes the audit records that are older than keep, but never the
// newest, and returns how many. VerifyAudit begins behind them from then on.
// It works in transactions of pruneBatch records, and each of them leaves an
// audit record, "prune". Where nothing is to be removed nothing is written. It
// refuses to remove records from a chain that is broken: they are evidence.
func (s *Store) PruneAudit(keep time.Duration, by By) (removed int, err error) {
	if keep <= 0 {
		return 0, &InvalidError{Field: "keep", Problem: fmt.Sprintf("%s is no time to keep records for", keep)}
	}
	newest := s.AuditHead().Seq
	for {
		n := 0
		due, err := s.isPruneDue(keep, newest)
		if err == nil && due {
			err = s.apply(by, func(w *writer) error {
				n, err = w.pruneAudit(w.now.Add(-keep), newest)
				return err
			})
		}
		if removed += n; err != nil || n == 0 {
			return removed, err
		}
	}
}

// isPruneDue spares most calls a write.
func (s *Store) isPruneDue(keep time.Duration, newest uint64) (due bool, err error) {
	now := s.Now()
	err = s.view(func(tx *reader) error {
		due = len(tx.prunable(now, now.Add(-keep), newest)) > 0
		return nil
	})
	return due, err
}

// prunable lists the numbers of the first records, pruneBatch at most, up to
// the last before newest that is from before cut. A time in the future is from before the
// clock was reset, so it says nothing, as does a record that cannot be read:
// what follows it does.
func (r *reader) prunable(now, cut time.Time, newest uint64) (seqs []uint64) {
	old := 0
	c := r.audit.Cursor()
	for k, v := c.First(); k != nil && old < pruneBatch; k, v = c.Next() {
		seq, _ := auditNumber(k)
		rec, err := decodeAudit(k, v)
		isOld, unknown := rec.At.Before(cut), err != nil || rec.At.After(now)
		if seq >= newest || !isOld && !unknown {
			break
		}
		if seqs = append(seqs, seq); isOld && !unknown {
			old = len(seqs)
		}
	}
	return seqs[:min(old, pruneBatch)]
}

func (w *writer) pruneAudit(cut time.Time, newest uint64) (removed int, err error) {
	seqs := w.prunable(w.now, cut, newest)
	if len(seqs) == 0 {
		return 0, nil
	}
	anchor, err := w.auditAnchor()
	if err != nil {
		return 0, err
	}
	for _, seq := range seqs {
		v := &verifying{at: anchor}
		key := auditKey(seq)
		if !v.follow(w.reader, key, w.audit.Get(key)) {
			return 0, fmt.Errorf("prune the audit: it is broken at record %d, and nothing was removed; `keygate audit verify` tells more", v.broken)
		}
		anchor = v.at
	}
	if err := w.readyAudit(seqs); err != nil {
		return 0, err
	}
	for _, seq := range seqs {
		if err := w.audit.Delete(auditKey(seq)); err != nil {
			return 0, err
		}
	}
	if err := w.putMeta(metaAnchor, append(auditKey(anchor.Seq), anchor.Link[:]...)); err != nil {
		return 0, err
	}
	return len(seqs), w.log("prune", nil, nil, fields{"records": strconv.Itoa(len(seqs)), "up_to": strconv.FormatUint(anchor.Seq, 10)})
}
