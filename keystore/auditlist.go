package keystore

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// AuditUnreadable is the Action of a record that cannot be read, or is missing
// between two others: its number is all that is known. VerifyAudit tells more.
const AuditUnreadable = "unreadable"

// AuditQuery chooses audit records; a zero field chooses any. With an account
// or a workspace it chooses what is about keys of these alone, which is nothing
// from before format 2.
type AuditQuery struct {
	KeyID              string
	Account, Workspace string
	Since, Until       time.Time // from Since on, and before Until
	Actions            []string  // one of these
	After, Before      uint64    // numbers above After and below Before; 0 is no bound
	Newest             bool      // the newest first
	Limit              int       // of the page: 1 to MaxPage
}

// auditChunks is how many transactions one call of AuditList makes, of a chunk
// each: a search for a rare record takes several calls, each of them short.
const auditChunks = 20

// AuditList returns a page of audit records, by rising number, or falling with
// Newest. next is 0 at the end, and else goes into After of the following
// query, or with Newest into Before. A page may be short, or empty, although
// more follow. A record that cannot be read is an AuditUnreadable one, which is
// left out where an account or a workspace is asked for.
func (s *Store) AuditList(q AuditQuery) (records []AuditRecord, next uint64, err error) {
	if q.Limit < 1 || q.Limit > MaxPage {
		return nil, 0, invalidLimit
	}
	l := &auditListing{query: q}
	for n := 0; n < auditChunks && !l.done && len(l.records) <= q.Limit; n++ {
		if err := s.view(l.chunk); err != nil {
			return nil, 0, err
		}
	}
	records, next = l.page()
	return records, next, nil
}

// Audit returns up to limit (1-500) audit records with a Seq above after, in
// order. None means that there are no more yet.
func (s *Store) Audit(after uint64, limit int) (records []AuditRecord, err error) {
	records, _, err = s.AuditList(AuditQuery{After: after, Limit: limit})
	return records, err
}

// auditListing walks over the audit, a chunk in each transaction.
type auditListing struct {
	query   AuditQuery
	at      uint64 // the last record walked over; 0 at the start
	records []AuditRecord
	done    bool
}

var errAuditOrder = errors.New("the numbers of the audit records are out of order; `keygate audit verify` tells where")

// chunk goes on until the page has one record more than it may, so that page
// knows whether anything follows.
func (l *auditListing) chunk(tx *reader) error {
	c, before := tx.audit.Cursor(), l.at
	k, v := l.begin(c)
	for n := 0; k != nil && n < chunk && len(l.records) <= l.query.Limit; n++ {
		if seq, ok := auditNumber(k); ok && l.follows(seq) && seq <= tx.audit.Sequence() {
			if l.beyond(seq) {
				l.done = true
				return nil
			}
			l.visit(seq, k, v)
		}
		k, v = l.step(c)
	}
	if l.done = k == nil; !l.done && l.at == before {
		return errAuditOrder
	}
	return nil
}

func auditKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

func auditNumber(key []byte) (seq uint64, ok bool) {
	if len(key) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(key), true
}

func firstNumber(c *bolt.Cursor) (seq uint64, ok bool) {
	k, _ := c.First()
	return auditNumber(k)
}

// begin moves to the first record behind the one at.
func (l *auditListing) begin(c *bolt.Cursor) (k, v []byte) {
	switch after, before := max(l.at, l.query.After), cmp.Or(l.at, l.query.Before); {
	case !l.query.Newest && after+1 == 0:
		return nil, nil
	case !l.query.Newest:
		if first, ok := firstNumber(c); ok && first > l.at {
			l.at = 0 // pruned in the meantime: nothing is missing in between
		}
		return c.Seek(auditKey(after + 1))
	case before == 0:
		return c.Last()
	default:
		if k, _ = c.Seek(auditKey(before)); k == nil {
			return c.Last()
		}
		return c.Prev()
	}
}

func (l *auditListing) step(c *bolt.Cursor) (k, v []byte) {
	if l.query.Newest {
		return c.Prev()
	}
	return c.Next()
}

// follows reports whether a number is on the way: a damaged one must not lead
// the walk back.
func (l *auditListing) follows(seq uint64) bool {
	switch {
	case l.at == 0:
		return seq > 0
	case l.query.Newest:
		return seq < l.at
	}
	return seq > l.at
}

// beyond reports whether the walk has left the numbers that the query wants.
func (l *auditListing) beyond(seq uint64) bool {
	if l.query.Newest {
		return seq <= l.query.After
	}
	return l.query.Before != 0 && seq >= l.query.Before
}

func (l *auditListing) visit(seq uint64, k, v []byte) {
	expected := l.at + 1
	if l.query.Newest {
		expected = l.at - 1
	}
	if l.at != 0 && seq != expected {
		l.unreadable(expected)
	}
	l.at = seq
	rec, err := decodeAudit(k, v)
	switch {
	case err != nil:
		l.unreadable(seq)
	case l.query.matches(&rec):
		l.records = append(l.records, rec)
	}
}

func (l *auditListing) unreadable(seq uint64) {
	if l.query.Account == "" && l.query.Workspace == "" {
		l.records = append(l.records, AuditRecord{Seq: seq, Action: AuditUnreadable})
	}
}

func (q *AuditQuery) matches(rec *AuditRecord) bool {
	return (q.KeyID == "" || q.KeyID == rec.KeyID) &&
		(q.Account == "" || q.Account == rec.Account) &&
		(q.Workspace == "" || q.Workspace == rec.Workspace) &&
		(q.Since.IsZero() || !rec.At.Before(q.Since)) &&
		(q.Until.IsZero() || rec.At.Before(q.Until)) &&
		(len(q.Actions) == 0 || slices.Contains(q.Actions, rec.Action))
}

func (l *auditListing) page() (records []AuditRecord, next uint64) {
	if limit := l.query.Limit; len(l.records) > limit {
		return l.records[:limit], l.records[limit-1].Seq
	}
	if l.done {
		return l.records, 0
	}
	return l.records, l.at
}
