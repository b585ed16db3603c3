package keystore

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// The audit records are a chain: each begins with a link, an HMAC-SHA-256 over
// the link before it, its own number and its own text, keyed from the pepper if
// there is one. Whoever rewrites a record must rewrite all that follow, and so
// cannot keep a link that was written down elsewhere: see VerifyAudit.
const (
	linkLength = 32
	tagChain   = "keygate: audit, 1"
)

type auditLink [linkLength]byte

// chainStart stands before the first record.
var chainStart auditLink

// AuditHead names the state of the audit after a change: the number of its last
// record, and its link. The zero value is that of an audit without records.
type AuditHead struct {
	Seq  uint64
	Link [linkLength]byte
}

// String is the form in which people write a head down: "17-a94f...".
func (h AuditHead) String() string { return fmt.Sprintf("%d-%x", h.Seq, h.Link) }

// ParseAuditHead reads what String writes. The error is an *InvalidError for
// the field "head".
func ParseAuditHead(s string) (h AuditHead, err error) {
	number, link, _ := strings.Cut(s, "-")
	h.Seq, err = strconv.ParseUint(number, 10, 64)
	raw, err2 := hex.DecodeString(link)
	if err != nil || err2 != nil || len(raw) != linkLength || copy(h.Link[:], raw) != linkLength || h.String() != s {
		return AuditHead{}, &InvalidError{Field: "head", Problem: quote(s) + ` is not the head of an audit: a number, "-" and 64 hexadecimal digits, as the log has it`}
	}
	return h, nil
}

// AuditHead is the head after the last change. It costs no transaction.
func (s *Store) AuditHead() AuditHead {
	if head := s.head.Load(); head != nil {
		return *head
	}
	return AuditHead{}
}

// link is the link of a record that follows another.
func (r *reader) link(before auditLink, key, value []byte) auditLink {
	return auditLink(r.hasher.tag(tagChain, before[:], key, value))
}

// append adds a record at the end of the chain.
func (w *writer) append(value []byte) error {
	if w.head == nil {
		if err := w.readyAudit(nil); err != nil {
			return err
		}
		head, err := w.auditHead()
		if err != nil {
			return err
		}
		w.head = &head
	}
	seq, err := w.audit.NextSequence()
	if err != nil {
		return err
	}
	key := binary.BigEndian.AppendUint64(nil, seq)
	link := w.link(w.head.Link, key, value)
	w.head = &AuditHead{Seq: seq, Link: link}
	return w.audit.Put(key, append(link[:], value...))
}

// readyAudit makes sure that a record can be put behind the last one, and that
// others can be removed.
func (w *writer) readyAudit(gone []uint64) error {
	last := w.audit.Sequence()
	keys := [][]byte{auditKey(last + 1)}
	for _, seq := range gone {
		keys = append(keys, auditKey(seq))
	}
	ordered, err := w.store.areInOrder(w.audit, are(keys...), len(gone) > 0)
	if err != nil || ordered && (last == 0 || w.audit.Get(auditKey(last)) != nil) {
		return err
	}
	return w.rebuildAudit()
}

// auditHead reads the head from the last record. Where that is missing the link
// is none, and VerifyAudit tells of it: damage to the audit must not keep a key
// from being revoked.
func (r *reader) auditHead() (AuditHead, error) {
	head := AuditHead{Seq: r.audit.Sequence()}
	if head.Seq == 0 {
		return r.auditAnchor()
	}
	copy(head.Link[:], r.audit.Get(auditKey(head.Seq)))
	return head, nil
}

// auditAnchor is where the chain begins: behind the last record that was pruned.
func (r *reader) auditAnchor() (AuditHead, error) {
	value, err := r.metaValue(metaAnchor)
	switch {
	case err != nil || value == nil:
		return AuditHead{}, err
	case len(value) != 8+linkLength:
		return AuditHead{}, fmt.Errorf("the value %q is damaged; restore a backup", metaAnchor)
	}
	return AuditHead{Seq: binary.BigEndian.Uint64(value), Link: auditLink(value[8:])}, nil
}
