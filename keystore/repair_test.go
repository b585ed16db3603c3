package keystore

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
)

// TestRepair: a damaged meta page makes Open refuse and name the command; after
// Repair the store opens with what the sound page knows, and goes on.
func TestRepair(t *testing.T) {
	for _, page := range []int64{0, 1} {
		sm := newSample(t)
		f := openRaw(t, sm.path)
		metas, err := readMetas(f)
		if err != nil {
			t.Fatal(err)
		}
		newest, _ := newestMeta(metas)
		loses := newest == metas[page]
		flip(t, f, 3, page*newest.pageSize+metaStart+40)
		var damaged *DamagedError
		err = unopened(t, Options{Path: sm.path}, "keygate store repair -c FILE --accept-loss")
		if !errors.As(err, &damaged) {
			t.Fatalf("got %v", err)
		}
		report, err := Repair(sm.path)
		if err != nil {
			t.Fatal(err)
		}
		want := "revoke of key " + sm.revokedRecord.ID
		if loses {
			want = "create of key " + sm.revokedRecord.ID
		}
		if !strings.Contains(report, want) {
			t.Errorf("report %q, want %q", report, want)
		}
		checkRepaired(t, sm, loses)
	}
}

func checkRepaired(t *testing.T, sm sample, lost bool) {
	t.Helper()
	s := mustOpen(t, Options{Path: sm.path})
	if got := mustLookup(t, s, sm.revoked); (got.Status(s.Now()) == Active) != lost {
		t.Errorf("lost %v, record %+v", lost, got)
	}
	for range 3 { // over both meta pages
		mustClose(t, s)
		s = mustOpen(t, Options{Path: sm.path})
		mustCreate(t, s, NewKey{})
	}
	mustRevoke(t, s, sm.revokedRecord.ID)
	checkWhole(t, s)
	mustLookup(t, s, sm.live)
}

func TestRepairTouchesNothingSound(t *testing.T) {
	sm := newSample(t)
	before, err := os.ReadFile(sm.path)
	if err != nil {
		t.Fatal(err)
	}
	report, err := Repair(sm.path)
	if err != nil || !strings.Contains(report, "nothing to repair") {
		t.Errorf("%q, %v", report, err)
	}
	if after, err := os.ReadFile(sm.path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was touched, or %v", err)
	}
}

func TestRepairRefuses(t *testing.T) {
	sm := newSample(t)
	f := openRaw(t, sm.path)
	metas, err := readMetas(f)
	if err != nil {
		t.Fatal(err)
	}
	flip(t, f, 0, metaStart+8, metas[0].pageSize+metaStart+8)
	if _, err := Repair(sm.path); !errors.Is(err, errForeign) {
		t.Errorf("both damaged: %v", err)
	}
	if _, err := Repair(newPath(t)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
