package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// logMany writes n audit records about a key that need not be, in as few
// transactions as can be.
func logMany(t testing.TB, s *Store, n int, action string, rec *Record) {
	t.Helper()
	err := s.apply(By{Actor: "uid:1"}, func(w *writer) error {
		for range n {
			if err := w.log(action, rec, nil, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// seqs walks over all pages of a query.
func seqs(t *testing.T, s *Store, q AuditQuery) (all []uint64, calls int) {
	t.Helper()
	for {
		page, next, err := s.AuditList(q)
		if err != nil {
			t.Fatal(err)
		}
		if calls++; len(page) > q.Limit {
			t.Fatalf("a page of %d, limit %d", len(page), q.Limit)
		}
		for _, rec := range page {
			all = append(all, rec.Seq)
		}
		switch {
		case next == 0:
			return all, calls
		case q.Newest:
			q.Before = next
		default:
			q.After = next
		}
	}
}

// TestAuditList holds every field of a query against the plain answer.
func TestAuditList(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	var ids []string
	for i := range 12 {
		rec, _ := mustCreate(t, s, NewKey{Account: fmt.Sprint("a", i%2), Workspace: fmt.Sprint("w", i%3)})
		ids = append(ids, rec.ID)
		w.add(time.Minute)
		if i%4 == 0 {
			mustRevoke(t, s, rec.ID)
		}
	}
	logMany(t, s, 1, "reset-clock", nil)
	all := allAudit(t, s)
	at := func(i int) time.Time { return all[i].At }
	for _, q := range []AuditQuery{
		{}, {KeyID: ids[4]}, {Account: "a1"}, {Workspace: "w2"}, {Account: "a0", Workspace: "w0"}, {Account: "none"},
		{Since: at(5)}, {Until: at(5)}, {Since: at(3), Until: at(9)}, {Since: at(5).Add(1)}, {Until: at(5).Add(1)},
		{Actions: []string{"revoke"}}, {Actions: []string{"revoke", "reset-clock"}}, {Actions: []string{"none"}},
		{After: 3}, {Before: 7}, {After: 3, Before: 7}, {After: 7, Before: 3}, {After: 15}, {After: 16}, {After: math.MaxUint64}, {Before: 1}, {Before: math.MaxUint64},
	} {
		for _, newest := range []bool{false, true} {
			q.Newest = newest
			var want []uint64
			for _, rec := range all {
				if q.wants(rec) {
					want = append(want, rec.Seq)
				}
			}
			if newest {
				slices.Reverse(want)
			}
			for _, q.Limit = range []int{1, 2, 15, 16, MaxPage} {
				if got, _ := seqs(t, s, q); !slices.Equal(got, want) {
					t.Errorf("%+v: %v, want %v", q, got, want)
				}
			}
		}
	}
}

// wants is what the comment on AuditQuery says, in other words.
func (q AuditQuery) wants(rec AuditRecord) bool {
	ok := rec.Seq > q.After && (q.Before == 0 || rec.Seq < q.Before)
	for _, f := range [][2]string{{q.KeyID, rec.KeyID}, {q.Account, rec.Account}, {q.Workspace, rec.Workspace}} {
		ok = ok && (f[0] == "" || f[0] == f[1])
	}
	if !q.Since.IsZero() && rec.At.Before(q.Since) || !q.Until.IsZero() && !rec.At.Before(q.Until) {
		return false
	}
	return ok && (q.Actions == nil || slices.Contains(q.Actions, rec.Action))
}

func TestAuditListRefuses(t *testing.T) {
	s := openNew(t)
	for _, limit := range []int{-1, 0, MaxPage + 1} {
		var invalid *InvalidError
		if _, _, err := s.AuditList(AuditQuery{Limit: limit}); !errors.As(err, &invalid) || invalid.Field != "limit" {
			t.Errorf("%d: %v", limit, err)
		}
	}
	if page, next, err := s.AuditList(AuditQuery{Limit: 1, Newest: true}); err != nil || page != nil || next != 0 {
		t.Errorf("an empty audit: %v, %d, %v", page, next, err)
	}
}

// TestAuditListIsBounded: a search for a rare record takes several calls, none of
// which looks at more than it may.
func TestAuditListIsBounded(t *testing.T) {
	s := openNew(t)
	const before, after = auditChunks*chunk + 3*chunk + 7, 2*auditChunks*chunk + 11
	rare := &Record{ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV"}
	logMany(t, s, before, "x", nil)
	logMany(t, s, 1, "y", rare)
	logMany(t, s, after, "x", nil)
	for newest, want := range map[bool]int{false: 4, true: 4} {
		got, calls := seqs(t, s, AuditQuery{KeyID: rare.ID, Newest: newest, Limit: 5})
		if !slices.Equal(got, []uint64{before + 1}) || calls != want {
			t.Errorf("newest %v: %v in %d calls, want %d", newest, got, calls, want)
		}
	}
	l := &auditListing{query: AuditQuery{KeyID: rare.ID, Limit: 1}}
	if err := s.view(l.chunk); err != nil || l.at != chunk || l.done {
		t.Errorf("one transaction went to %d, done %v, %v", l.at, l.done, err)
	}
}

// TestAuditListPastPruning: a walk goes on where it was, also if that was pruned.
func TestAuditListPastPruning(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	logMany(t, s, 50, "x", nil)
	w.add(2 * day)
	logMany(t, s, 3, "y", nil)
	_, next, err := s.AuditList(AuditQuery{Limit: 10})
	if err != nil || next != 10 {
		t.Fatalf("%d, %v", next, err)
	}
	l := &auditListing{query: AuditQuery{After: 5, Limit: 100}, at: 10}
	if n, err := s.PruneAudit(day, By{}); n != 50 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if got, _ := seqs(t, s, AuditQuery{After: next, Limit: 2}); !slices.Equal(got, []uint64{51, 52, 53, 54}) {
		t.Errorf("after %d: %v", next, got)
	}
	if err := s.view(l.chunk); err != nil || len(l.records) != 4 || l.records[0].Seq != 51 {
		t.Errorf("within a call: %+v, %v", l.records, err)
	}
}

// spoil changes the audit bucket behind the back of the chain.
func spoil(t testing.TB, s *Store, change func(w *writer)) {
	t.Helper()
	if err := s.apply(By{}, func(w *writer) error { change(w); return nil }); err != nil {
		t.Fatal(err)
	}
}

func (w *writer) rewrite(seq uint64, change func(value []byte) []byte) {
	_ = w.audit.Put(auditKey(seq), change(bytes.Clone(w.audit.Get(auditKey(seq)))))
}

// TestAuditListShowsDamage: what cannot be read is not left out in silence, nor
// does it hide what follows; but it is no news for whoever asks for a workspace.
func TestAuditListShowsDamage(t *testing.T) {
	s := openNew(t)
	for range 9 {
		mustCreate(t, s, NewKey{})
	}
	spoil(t, s, func(w *writer) {
		w.rewrite(3, func(v []byte) []byte { return v[:len(v)-1] })
		_ = w.audit.Delete(auditKey(6))
		_ = w.audit.Put(auditKey(1<<40), w.audit.Get(auditKey(9)))
		_ = w.audit.Put([]byte("short"), []byte("x"))
	})
	for _, newest := range []bool{false, true} {
		for _, limit := range []int{1, 4, 100} {
			var got, bad []uint64
			q := AuditQuery{Newest: newest, Limit: limit}
			for {
				page, next, err := s.AuditList(q)
				if err != nil {
					t.Fatal(err)
				}
				for _, rec := range page {
					if got = append(got, rec.Seq); rec.Action == AuditUnreadable {
						bad = append(bad, rec.Seq)
					}
				}
				if q.After = next; newest {
					q.After, q.Before = 0, next
				}
				if next == 0 {
					break
				}
			}
			slices.Sort(got)
			slices.Sort(bad)
			if limit > 1 && !slices.Equal(bad, []uint64{3, 6}) || !slices.Contains(bad, 3) || !slices.Contains(got, 9) || slices.Contains(got, 1<<40) || slices.Max(got) != 9 {
				t.Errorf("newest %v by %d: listed %v, unreadable %v", newest, limit, got, bad)
			}
		}
	}
	page, _, err := s.AuditList(AuditQuery{Account: "default", Limit: 100})
	if err != nil || len(page) != 7 {
		t.Errorf("%d records, %v", len(page), err)
	}
}

// TestVerifyAudit finds every way to spoil a chain, and says which.
func TestVerifyAudit(t *testing.T) {
	const many = 2*chunk + 10
	early := AuditHead{}
	for _, c := range []struct {
		name    string
		spoil   func(w *writer)
		head    func(now AuditHead) *AuditHead
		finding AuditFinding
		at      uint64
		words   string
	}{
		{name: "sound", finding: AuditSound, words: fmt.Sprintf("sound: %d records", many)},
		{name: "its own head", head: func(h AuditHead) *AuditHead { return &h }, finding: AuditSound},
		{name: "an early head", head: func(AuditHead) *AuditHead { return &early }, finding: AuditSound},
		{name: "the head of nothing", head: func(AuditHead) *AuditHead { return &AuditHead{} }, finding: AuditSound},
		{name: "text changed", spoil: func(w *writer) {
			w.rewrite(1500, func(v []byte) []byte { return bytes.Replace(v, []byte(`"x"`), []byte(`"y"`), 1) })
		}, finding: AuditBroken, at: 1500, words: "broken at record 1500"},
		{name: "link changed", spoil: func(w *writer) { w.rewrite(7, func(v []byte) []byte { v[3] ^= 1; return v }) }, finding: AuditBroken, at: 7},
		{name: "cut to nothing", spoil: func(w *writer) { w.rewrite(7, func(v []byte) []byte { return v[:20] }) }, finding: AuditBroken, at: 7},
		{name: "first removed", spoil: func(w *writer) { _ = w.audit.Delete(auditKey(1)) }, finding: AuditBroken, at: 1},
		{name: "removed in the middle", spoil: func(w *writer) { _ = w.audit.Delete(auditKey(1001)) }, finding: AuditBroken, at: 1001},
		{name: "last removed", spoil: func(w *writer) { _ = w.audit.Delete(auditKey(many)) }, finding: AuditBroken, at: many},
		{name: "put in before", spoil: func(w *writer) { _ = w.audit.Put(auditKey(0), w.audit.Get(auditKey(1))) }, finding: AuditBroken, at: 1},
		{name: "put in behind", spoil: func(w *writer) { _ = w.audit.Put(auditKey(many+1), w.audit.Get(auditKey(1))) }, finding: AuditBroken, at: many + 1},
		{name: "cut, and the count too", spoil: func(w *writer) {
			_ = w.audit.Delete(auditKey(many))
			_ = w.audit.SetSequence(many - 1)
		}, finding: AuditHeadLost, at: many, words: "rewritten, or cut"},
		{name: "all written anew", spoil: func(w *writer) { w.rechain(1200) }, head: func(h AuditHead) *AuditHead { return &h }, finding: AuditHeadLost, at: many},
		{name: "an early head, written anew behind it", spoil: func(w *writer) { w.rechain(1200) }, head: func(AuditHead) *AuditHead { return &early }, finding: AuditHeadLost, at: many},
		{name: "another chain's head", head: func(h AuditHead) *AuditHead { h.Link[0] ^= 1; return &h }, finding: AuditHeadLost, at: many},
		{name: "another chain's early head", head: func(AuditHead) *AuditHead { h := early; h.Link[0] ^= 1; return &h }, finding: AuditHeadLost, at: 600},
		{name: "a head of the future", head: func(h AuditHead) *AuditHead { h.Seq++; return &h }, finding: AuditHeadLost, at: many + 1},
		{name: "a wrong head of nothing", head: func(AuditHead) *AuditHead { return &AuditHead{Link: [32]byte{1}} }, finding: AuditHeadLost, at: 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openNew(t)
			logMany(t, s, 600, "x", nil)
			early = s.AuditHead()
			logMany(t, s, many-600, "x", nil)
			if c.spoil != nil {
				spoil(t, s, c.spoil)
			}
			var head *AuditHead
			if c.head != nil {
				head = c.head(s.AuditHead())
			}
			r, err := s.VerifyAudit(head)
			if err != nil || r.Finding != c.finding || r.At != c.at || !strings.Contains(r.String(), c.words) {
				t.Errorf("%+v, %v: %s", r, err, r)
			}
			if c.finding != AuditBroken && c.spoil == nil && (r.Count != many || r.First != 1 || r.Anchor != 0 || r.Head != s.AuditHead()) {
				t.Errorf("%+v", r)
			}
			if c.finding == AuditBroken && r.Count != c.at-1 {
				t.Errorf("%d records before %d", r.Count, c.at)
			}
		})
	}
}

// rechain is what somebody does who can compute links: from a record on, all is
// written anew.
func (w *writer) rechain(from uint64) {
	var at AuditHead
	copy(at.Link[:], w.audit.Get(auditKey(from-1)))
	for seq := from; seq <= w.audit.Sequence(); seq++ {
		w.rewrite(seq, func(v []byte) []byte {
			text := bytes.Replace(v[linkLength:], []byte(`"x"`), []byte(`"z"`), 1)
			at.Link = w.link(at.Link, auditKey(seq), text)
			return append(at.Link[:], text...)
		})
	}
}

// TestVerifyWithAPepper: links are keyed from it.
func TestVerifyWithAPepper(t *testing.T) {
	s := mustOpen(t, Options{Path: newPath(t), Pepper: []byte("not all zeros, which would be none")})
	logMany(t, s, 3, "x", nil)
	mustVerify(t, s, nil)
	hasher := s.hasher
	s.hasher = newHasher(nil)
	var bad []uint64
	_ = s.view(func(tx *reader) error {
		v := &verifying{}
		if !v.follow(tx, auditKey(1), tx.audit.Get(auditKey(1))) {
			bad = append(bad, v.broken)
		}
		return nil
	})
	if s.hasher = hasher; len(bad) != 1 {
		t.Error("the chain can be computed without the pepper")
	}
}

// TestVerifyIsBounded: no transaction walks over more than a chunk.
func TestVerifyIsBounded(t *testing.T) {
	s := openNew(t)
	logMany(t, s, chunk+1, "x", nil)
	v := &verifying{heads: []AuditHead{s.AuditHead()}}
	if err := s.view(v.chunk); err != nil || v.at.Seq != chunk || v.done {
		t.Errorf("one transaction went to %d, done %v, %v", v.at.Seq, v.done, err)
	}
}

func TestAuditHeadText(t *testing.T) {
	s := openNew(t)
	if h := s.AuditHead(); h != (AuditHead{}) {
		t.Errorf("before the first change: %s", h)
	}
	mustCreate(t, s, NewKey{})
	h := s.AuditHead()
	if back, err := ParseAuditHead(h.String()); err != nil || back != h || h.Seq != 1 {
		t.Errorf("%s, back %s, %v", h, back, err)
	}
	text := h.String()
	for _, bad := range []string{"", "1", "1-", text[1:], "+" + text, "0" + text, text + "0", strings.ToUpper(text), " " + text, text[:len(text)-2]} {
		var invalid *InvalidError
		if got, err := ParseAuditHead(bad); !errors.As(err, &invalid) || invalid.Field != "head" || got != (AuditHead{}) {
			t.Errorf("%q: %s, %v", bad, got, err)
		}
	}
}

// TestHeadOverARestart: the head is that of the file.
func TestHeadOverARestart(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, Options{Path: path})
	mustCreate(t, s, NewKey{})
	head := s.AuditHead()
	mustClose(t, s)
	s = mustOpen(t, Options{Path: path})
	if s.AuditHead() != head {
		t.Errorf("%s, was %s", s.AuditHead(), head)
	}
	mustCreate(t, s, NewKey{})
	mustVerify(t, s, &head)
}
