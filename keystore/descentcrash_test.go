package keystore

import (
	"fmt"
	"strings"
	"testing"
)

// generations is how many keys each family of childDescends has.
const generations = 6

// childDescends makes a family, each key made by the one before, and ends it
// whole, for ever.
func childDescends(path string) error {
	s, err := Open(Options{Path: path})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		by, root := By{Actor: "uid:1"}, ""
		for range generations {
			rec, _, err := s.Create(NewKey{Name: "crash", Permission: Read, Labels: map[string]string{LabelID: root}}, by)
			if err != nil {
				return err
			}
			if root == "" {
				root = rec.ID
			}
			by = By{Actor: madeBy + rec.ID}
		}
		if n == 0 {
			fmt.Println("open") // so that a kill meets a revoke
		}
		if _, err := s.RevokeDescendants(root, By{}); err != nil {
			return err
		}
		fmt.Println("revoked", root)
	}
}

// TestAFamilyEndsWholeOrNotAtAll: after a kill at any moment each family is
// revoked, or none of it is; what was acknowledged is.
func TestAFamilyEndsWholeOrNotAtAll(t *testing.T) {
	path := newPath(t)
	mustClose(t, mustOpen(t, Options{Path: path}))
	total := 0
	for range kills(t) {
		acknowledged := killed(t, "descend", path)
		s := mustOpen(t, Options{Path: path})
		ended := endedOf(t, s)
		for _, line := range acknowledged {
			root, _ := strings.CutPrefix(line, "revoked ")
			if ended[root] != generations {
				t.Errorf("acknowledged, and %d of %s have ended", ended[root], root)
			}
		}
		total += len(acknowledged)
		checkWhole(t, s)
		mustClose(t, s)
	}
	t.Logf("%d families acknowledged", total)
	if total == 0 {
		t.Error("no child acknowledged anything")
	}
}

// endedOf counts the revoked keys of each family, and checks that it is all or
// none.
func endedOf(t *testing.T, s *Store) map[string]int {
	t.Helper()
	records := allRecords(t, s)
	all, ended := map[string]int{}, map[string]int{}
	for id, rec := range records {
		root := rec.Labels[LabelID]
		if rec.MadeBy() == "" {
			root = id
		}
		if all[root]++; !rec.RevokedAt.IsZero() {
			ended[root]++
		}
	}
	for root, n := range ended {
		if n != all[root] || n != generations {
			t.Errorf("%d of the %d of %s have ended", n, all[root], root)
		}
	}
	return ended
}
