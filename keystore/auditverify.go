package keystore

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// AuditFinding is what VerifyAudit found, in a word.
type AuditFinding string

// The findings.
const (
	AuditSound      AuditFinding = "sound"
	AuditBroken     AuditFinding = "broken"      // a record was changed, or is missing: AuditReport.At
	AuditHeadLost   AuditFinding = "head_lost"   // the chain is sound but is not the one that the head is of
	AuditHeadPruned AuditFinding = "head_pruned" // the head is of the part that was pruned: nothing can be said of it
)

// AuditReport is the answer of VerifyAudit. All but Finding and At are about
// what was found sound.
type AuditReport struct {
	Finding AuditFinding
	At      uint64 // the number of the first broken record, or of the head that is lost or pruned; 0 if all is sound
	Count   uint64 // how many records there are
	First   uint64 // the number of the first; 0 if there is none
	Anchor  uint64 // the number of the last record that was pruned; 0 if none was
	Head    AuditHead
}

// String is a sentence for people.
func (r AuditReport) String() string {
	switch r.Finding {
	case AuditBroken:
		return fmt.Sprintf("the audit is broken at record %d: that record was changed, or records are missing from there on, or the file is damaged; "+
			"the %d records before it are sound", r.At, r.Count)
	case AuditHeadLost:
		return fmt.Sprintf("the audit was rewritten, or cut: it hangs together, with %d records, but does not hold record %d as it was when the given head was written down",
			r.Count, r.At)
	case AuditHeadPruned:
		return fmt.Sprintf("the audit hangs together from record %d on, but the given head is of record %d, and the records up to %d were pruned: "+
			"whether they were changed cannot be told", r.First, r.At, r.Anchor)
	}
	return fmt.Sprintf("the audit is sound: %d records, the head is %s", r.Count, r.Head)
}

// VerifyAudit recomputes every link of the audit, from the first record that
// was not pruned, and tells whether records were changed, removed or put in
// since they were written. A head that was written down at any time, or the one
// of Store.AuditHead, shows also whether all was written anew from some record
// on, or cut off at the end; nil is none. An error means that it could not
// tell.
//
// Without a pepper whoever can write to the file can compute links too: then
// only a head that was kept elsewhere finds the rewriting.
func (s *Store) VerifyAudit(head *AuditHead) (AuditReport, error) {
	// The file can have been changed while the server ran: it has a head of its own.
	v := &verifying{heads: []AuditHead{s.AuditHead()}}
	if head != nil {
		v.heads = append(v.heads, *head)
	}
	for !v.done {
		if err := s.view(v.chunk); err != nil {
			return AuditReport{}, err
		}
	}
	return v.verdict(), nil
}

// verifying walks over the chain, a chunk in each transaction.
type verifying struct {
	heads  []AuditHead // to be met on the way: that of the server, and the one that was given
	lost   *AuditHead  // one of them that was met and differs
	anchor AuditHead
	at     AuditHead // the last sound record
	first  uint64
	broken uint64 // the number of the first record that does not fit
	done   bool
}

func (v *verifying) chunk(tx *reader) error {
	anchor, err := tx.auditAnchor()
	if err != nil {
		return err
	}
	if v.first == 0 || anchor.Seq > v.at.Seq {
		// At the start, or pruning went past the walk.
		v.anchor, v.at, v.first = anchor, anchor, 0
		v.meet()
	}
	c := tx.audit.Cursor()
	k, value := c.Seek(auditKey(v.at.Seq + 1))
	if v.at.Seq == v.anchor.Seq {
		k, value = c.First() // what stands before is not of the chain
	}
	for n := 0; k != nil && n < chunk; n++ {
		if !v.follow(tx, k, value) {
			return nil
		}
		k, value = c.Next()
	}
	if v.done = k == nil; v.done && tx.audit.Sequence() != v.at.Seq {
		v.broken = v.at.Seq + 1
	}
	return nil
}

// follow goes on to a record if it fits.
func (v *verifying) follow(tx *reader, key, value []byte) bool {
	next := AuditHead{Seq: v.at.Seq + 1}
	if seq, ok := auditNumber(key); !ok || seq != next.Seq || len(value) < linkLength {
		v.broken, v.done = next.Seq, true
		return false
	}
	next.Link = tx.link(v.at.Link, key, value[linkLength:])
	if !bytes.Equal(next.Link[:], value[:linkLength]) {
		v.broken, v.done = next.Seq, true
		return false
	}
	if v.at = next; v.first == 0 {
		v.first = next.Seq
	}
	v.meet()
	return true
}

// meet compares the heads of the place where the walk is.
func (v *verifying) meet() {
	for i, head := range v.heads {
		if head.Seq == v.at.Seq && head != v.at && v.lost == nil {
			v.lost = &v.heads[i]
		}
	}
}

func (v *verifying) verdict() AuditReport {
	r := AuditReport{Finding: AuditSound, First: v.first, Anchor: v.anchor.Seq, Head: v.at}
	if v.first != 0 {
		r.Count = v.at.Seq - v.anchor.Seq
	}
	given := v.heads[len(v.heads)-1]
	switch last := slices.MaxFunc(v.heads, bySeq); {
	case v.broken != 0:
		r.Finding, r.At = AuditBroken, v.broken
	case v.lost != nil:
		r.Finding, r.At = AuditHeadLost, v.lost.Seq
	case last.Seq > v.at.Seq:
		r.Finding, r.At = AuditHeadLost, last.Seq
	case len(v.heads) > 1 && given.Seq < v.anchor.Seq:
		r.Finding, r.At = AuditHeadPruned, given.Seq
	}
	return r
}

func bySeq(a, b AuditHead) int { return cmp.Compare(a.Seq, b.Seq) }
