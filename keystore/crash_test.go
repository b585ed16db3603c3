package keystore

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// kills is how often each crash test kills its child.
func kills(t *testing.T) int {
	if n := os.Getenv("KEYSTORE_TEST_KILLS"); n != "" {
		var many int
		if _, err := fmt.Sscan(n, &many); err == nil {
			return many
		}
	}
	if testing.Short() {
		return 10
	}
	return 30
}

// childCreates makes keys, and revokes every second one, for ever. It says what
// was acknowledged, after it was.
func childCreates(path string) error {
	s, err := Open(Options{Path: path})
	if err != nil {
		return err
	}
	fmt.Println("open")
	for n := 0; ; n++ {
		rec, text, err := s.Create(NewKey{Name: "crash", Permission: Write}, By{})
		if err != nil {
			return err
		}
		fmt.Println("created", rec.ID, text.Reveal())
		if n%2 == 0 {
			if _, err := s.Revoke(rec.ID, By{}); err != nil {
				return err
			}
			fmt.Println("revoked", rec.ID, text.Reveal())
		}
	}
}

// childChanges rotates a key, then its successor, and so on, for ever.
func childChanges(path string) error {
	s, err := Open(Options{Path: path})
	if err != nil {
		return err
	}
	rec, _, err := s.Create(NewKey{Name: "chain", Permission: Read}, By{})
	if err != nil {
		return err
	}
	fmt.Println("open")
	for {
		if _, rec, _, err = s.Rotate(rec.ID, Rotation{}, By{}); err != nil {
			return err
		}
		fmt.Println("rotated", rec.ID, "-")
	}
}

// killed runs a child over path, kills it at a random moment after it opened
// the store, and returns what it had acknowledged.
func killed(t *testing.T, word, path string) []string {
	t.Helper()
	return killedWithin(t, word, path, 40*time.Millisecond)
}

func killedWithin(t *testing.T, word, path string, longest time.Duration) []string {
	t.Helper()
	cmd := child(t, word, path)
	out := lines(t, cmd)
	if line := nextLine(t, out); line != "open" {
		t.Fatalf("the child says %q", line)
	}
	<-time.After(time.Duration(rand.Int64N(int64(longest))))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []string
	for line := range out {
		acknowledged = append(acknowledged, line)
	}
	_ = cmd.Wait()
	return acknowledged
}

// TestNothingAcknowledgedIsLost: nothing acknowledged is lost.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	path := newPath(t)
	mustClose(t, mustOpen(t, Options{Path: path}))
	total, lost := 0, 0
	for range kills(t) {
		acknowledged := killed(t, "create", path)
		s := mustOpen(t, Options{Path: path})
		for _, line := range acknowledged {
			f := strings.Fields(line)
			rec, err := s.Lookup(f[2])
			if err != nil || rec.ID != f[1] || f[0] == "revoked" && rec.Status(s.Now()) != Revoked {
				t.Errorf("%s %s is lost: %+v, %v", f[0], f[1], rec, err)
				lost++
			}
		}
		total += len(acknowledged)
		checkWhole(t, s)
		mustClose(t, s)
	}
	t.Logf("%d changes acknowledged, %d lost", total, lost)
	if total == 0 {
		t.Error("no child acknowledged anything")
	}
}

// TestAChangeHappensWholeOrNotAtAll: a change happens whole or not at all.
func TestAChangeHappensWholeOrNotAtAll(t *testing.T) {
	path := newPath(t)
	mustClose(t, mustOpen(t, Options{Path: path}))
	total := 0
	for range kills(t) {
		total += len(killed(t, "change", path))
		s := mustOpen(t, Options{Path: path})
		checkWhole(t, s)
		mustClose(t, s)
	}
	t.Logf("%d rotations acknowledged", total)
	if total == 0 {
		t.Error("no child acknowledged anything")
	}
}

// checkWhole checks that links, ids, finds and audit records agree with the
// records, and that the audit hangs together.
func checkWhole(t *testing.T, s *Store) {
	t.Helper()
	records := allRecords(t, s)
	want := map[string]int{} // action and key -> how many audit records there must be
	for _, rec := range records {
		if rec.Import == "" {
			want["create "+rec.ID]++
		}
		if !rec.RevokedAt.IsZero() {
			want["revoke "+rec.ID]++
		}
		if rec.ReplacedBy != "" {
			want["rotate "+rec.ID]++
			if next := records[rec.ReplacedBy]; next == nil || next.Replaces != rec.ID {
				t.Errorf("key %s leads to %s, which is %+v", rec.ID, rec.ReplacedBy, next)
			}
		}
		if rec.Replaces != "" && (records[rec.Replaces] == nil || records[rec.Replaces].ReplacedBy != rec.ID) {
			t.Errorf("key %s replaces %s, which does not say so", rec.ID, rec.Replaces)
		}
	}
	for _, a := range allAudit(t, s) {
		if a.Action == "create" || a.Action == "revoke" || a.Action == "rotate" { // others leave no such trace in the record
			want[a.Action+" "+a.KeyID]--
		}
	}
	pruned := mustVerify(t, s, nil).Anchor > 0
	for change, n := range want {
		if n != 0 && !pruned {
			t.Errorf("%s: audit records missing: %d", change, n)
		}
	}
	census, err := s.Census()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, n := range census.ByStatus {
		sum += n
	}
	if sum != len(records) || census.ByStatus[Unreadable] != 0 || s.Stats().Unindexed != 0 {
		t.Errorf("%d records by id, by digest %v, %d not indexed", len(records), census, s.Stats().Unindexed)
	}
	checkFinds(t, s)
}

// checkFinds checks that finds has what the records confirm, and nothing else.
func checkFinds(t testing.TB, s *Store) {
	t.Helper()
	err := s.view(func(tx *reader) error {
		return tx.finds.ForEach(func(k, v []byte) error {
			if !tx.goodFind(k, v) || len(v) != 0 {
				t.Errorf("stray entry %q", k)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// mustVerify checks that the audit is sound.
func mustVerify(t testing.TB, s *Store, head *AuditHead) AuditReport {
	t.Helper()
	report, err := s.VerifyAudit(head)
	if err != nil {
		t.Fatal(err)
	}
	if report.Finding != AuditSound || report.Head != s.AuditHead() {
		t.Errorf("%s: %+v, the store's head is %s", report, report, s.AuditHead())
	}
	return report
}

func allRecords(t testing.TB, s *Store) map[string]*Record {
	t.Helper()
	all := map[string]*Record{}
	for after := ""; ; {
		page, next, err := s.List(Filter{}, after, MaxPage)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range page {
			all[rec.ID] = rec
		}
		if next == "" {
			return all
		}
		after = next
	}
}

func allAudit(t testing.TB, s *Store) []AuditRecord {
	t.Helper()
	var all []AuditRecord
	for after := uint64(0); ; {
		page, err := s.Audit(after, MaxPage)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		for _, a := range page {
			if len(all) > 0 && a.Seq != after+1 {
				t.Fatalf("audit record %d follows %d", a.Seq, after)
			}
			all, after = append(all, a), a.Seq
		}
	}
}
