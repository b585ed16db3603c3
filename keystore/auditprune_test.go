package keystore

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func mustPrune(t *testing.T, s *Store, keep time.Duration, want int) {
	t.Helper()
	if n, err := s.PruneAudit(keep, By{Actor: "uid:0", Reason: "kept 10 days"}); n != want || err != nil {
		t.Fatalf("%d removed, want %d; %v", n, want, err)
	}
}

// TestPruneAudit: what is older goes, an anchor and a record of it stay, the
// chain goes on from there, and a head of the pruned part is told from a lost one.
func TestPruneAudit(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	logMany(t, s, 6, "x", nil)
	w.add(10 * day)
	early := s.AuditHead()
	logMany(t, s, 3, "y", nil)
	last := s.AuditHead()
	mustPrune(t, s, 10*day, 0) // what is just that old stays
	if s.AuditHead() != last {
		t.Error("something was written although there was nothing to prune")
	}
	w.add(time.Millisecond)
	mustPrune(t, s, 10*day, 6)
	mustPrune(t, s, 10*day, 0)
	r := mustVerify(t, s, &last)
	if r.Count != 4 || r.First != 7 || r.Anchor != 6 || r.Head.Seq != 10 {
		t.Errorf("%+v", r)
	}
	page, _, err := s.AuditList(AuditQuery{Newest: true, Limit: 1})
	if err != nil || page[0].Action != "prune" || page[0].To["records"] != "6" || page[0].To["up_to"] != "6" || page[0].By.Actor != "uid:0" || page[0].KeyID != "" {
		t.Errorf("%+v, %v", page, err)
	}
	mustVerify(t, s, &early) // the anchor is its very state
	before := early
	before.Seq, before.Link = 5, [32]byte{}
	if r, err := s.VerifyAudit(&before); err != nil || r.Finding != AuditHeadPruned || r.At != 5 || !strings.Contains(r.String(), "up to 6 were pruned") {
		t.Errorf("%+v, %v", r, err)
	}
	early.Link[0] ^= 1
	if r, err := s.VerifyAudit(&early); err != nil || r.Finding != AuditHeadLost || r.At != 6 {
		t.Errorf("%+v, %v", r, err)
	}
	mustCreate(t, s, NewKey{})
	if s.AuditHead().Seq != 11 {
		t.Errorf("the numbers go on with %d", s.AuditHead().Seq)
	}
	path := copyOf(t, s)
	mustVerify(t, mustOpen(t, Options{Path: path, Clock: w.read}), &last)
}

// TestPruneKeepsTheNewest, so that there is always a time to see.
func TestPruneKeepsTheNewest(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	mustPrune(t, s, day, 0)
	logMany(t, s, 1, "x", nil)
	w.add(10 * day)
	mustPrune(t, s, day, 0)
	logMany(t, s, 2, "x", nil)
	w.add(10 * day)
	mustPrune(t, s, day, 2)
	if r := mustVerify(t, s, nil); r.First != 3 || r.Count != 2 {
		t.Errorf("%+v", r)
	}
}

// TestPruneInBatches: no transaction removes more than it may, and each leaves its
// record.
func TestPruneInBatches(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	logMany(t, s, 2*pruneBatch+7, "x", nil)
	w.add(2 * day)
	logMany(t, s, 1, "y", nil)
	mustPrune(t, s, day, 2*pruneBatch+7)
	page, _, err := s.AuditList(AuditQuery{Actions: []string{"prune"}, Limit: 9})
	if err != nil || len(page) != 3 || page[0].To["records"] != "5000" || page[2].To["records"] != "7" || page[2].To["up_to"] != "10007" {
		t.Errorf("%+v, %v", page, err)
	}
	mustVerify(t, s, nil)
}

// TestPruneRefusesABrokenChain: it would put a sound beginning in front of it.
func TestPruneRefusesABrokenChain(t *testing.T) {
	for name, change := range map[string]func(w *writer){
		"link":   func(w *writer) { w.rewrite(3, func(v []byte) []byte { v[0] ^= 1; return v }) },
		"text":   func(w *writer) { w.rewrite(3, func(v []byte) []byte { v[len(v)-1] = 'x'; return v }) },
		"number": func(w *writer) { _ = w.audit.Delete(auditKey(3)) },
	} {
		w := newWall()
		s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
		logMany(t, s, 6, "x", nil)
		w.add(2 * day)
		logMany(t, s, 1, "y", nil)
		spoil(t, s, change)
		if n, err := s.PruneAudit(day, By{}); n != 0 || err == nil || !strings.Contains(err.Error(), "broken at record 3") {
			t.Errorf("%s: %d removed, %v", name, n, err)
		}
		if page, _, err := s.AuditList(AuditQuery{Limit: 1}); err != nil || page[0].Seq != 1 {
			t.Errorf("%s: the first is %+v, %v", name, page, err)
		}
	}
}

// TestPruneBehindAFarJump: records from before the clock was reset claim a time
// that is still to come, and go with what follows them.
func TestPruneBehindAFarJump(t *testing.T) {
	w, path := newWall(), newPath(t)
	s := mustOpen(t, Options{Path: path, Clock: w.read})
	w.add(3650 * day)
	logMany(t, s, pruneBatch+2, "x", nil)
	mustClose(t, s)
	w.add(-3650 * day)
	if _, _, err := ResetClock(Options{Path: path, Clock: w.read}, By{}); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, Options{Path: path, Clock: w.read})
	logMany(t, s, 1, "y", nil)
	mustPrune(t, s, day, 0)
	w.add(2 * day)
	logMany(t, s, 1, "z", nil)
	mustPrune(t, s, day, pruneBatch+4)
	mustVerify(t, s, nil)
	page, _, err := s.AuditList(AuditQuery{Actions: []string{"prune"}, Limit: 9})
	if err != nil || len(page) != 2 || page[0].To["records"] != "5000" || page[1].To["records"] != "4" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestPruneRefuses(t *testing.T) {
	s := openNew(t)
	var invalid *InvalidError
	for _, keep := range []time.Duration{0, -day} {
		if _, err := s.PruneAudit(keep, By{}); !errors.As(err, &invalid) || invalid.Field != "keep" {
			t.Errorf("%s: %v", keep, err)
		}
	}
}

// TestVerifyOvertakenByPruning goes on behind the new anchor, and does not take
// the head of the server for pruned.
func TestVerifyOvertakenByPruning(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	logMany(t, s, 2*chunk, "x", nil)
	v := &verifying{heads: []AuditHead{s.AuditHead()}}
	if err := s.view(v.chunk); err != nil || v.done {
		t.Fatal(v, err)
	}
	w.add(2 * day)
	logMany(t, s, 1, "y", nil)
	mustPrune(t, s, day, 2*chunk)
	for !v.done {
		if err := s.view(v.chunk); err != nil {
			t.Fatal(err)
		}
	}
	if r := v.verdict(); r.Finding != AuditSound || r.Anchor != 2*chunk || r.Count != 2 {
		t.Errorf("%+v", r)
	}
}
