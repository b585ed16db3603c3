package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// newCrowd is a store of keys in four workspaces, two of which a slip between
// account and workspace would take for one, and their ids by "account/workspace" and by "account".
func newCrowd(t *testing.T, many int) (*Store, map[string][]string) {
	t.Helper()
	s := openNew(t)
	s.db.NoSync = true
	crowd := map[string][]string{}
	for i := range many {
		account, workspace := []string{"a", "a", "ab", "b"}[i%4], []string{"bw", "w", "w", "w"}[i%4]
		rec, _ := mustCreate(t, s, NewKey{Account: account, Workspace: workspace})
		for _, name := range []string{"", account, account + "/" + workspace} {
			crowd[name] = append(crowd[name], rec.ID)
		}
	}
	return s, crowd
}

// scope is the filter for a name in a crowd; "" chooses all.
func scope(name string) (f Filter) {
	f.Account, f.Workspace, _ = strings.Cut(name, "/")
	return f
}

// TestListOfAWorkspace: in both directions, by pages of every size.
func TestListOfAWorkspace(t *testing.T) {
	s, crowd := newCrowd(t, 40)
	for name, want := range crowd {
		for _, newest := range []bool{false, true} {
			f := scope(name)
			if f.Newest = newest; newest {
				want = slices.Clone(want)
				slices.Reverse(want)
			}
			for _, limit := range []int{1, 3, 9, 10, 11, MaxPage} {
				if got := walk(t, s, f, limit); !slices.Equal(got, want) {
					t.Errorf("%q, newest %v, by %d: %v, want %v", name, newest, limit, got, want)
				}
			}
		}
	}
	for _, newest := range []bool{false, true} {
		for _, name := range []string{"none", "0", "c", "a/none", "none/w", "0/w", "zz/w"} {
			f := scope(name)
			f.Newest = newest
			if got := walk(t, s, f, 3); got != nil {
				t.Errorf("%s: %v", name, got)
			}
		}
	}
}

// TestListOfAWorkspaceReadsNoOther: the keys of others cost it nothing.
func TestListOfAWorkspaceReadsNoOther(t *testing.T) {
	s, crowd := newCrowd(t, 40)
	path := copyOf(t, s)
	alarms := 0
	for _, id := range append(slices.Clone(crowd["a/bw"]), crowd["b/w"]...) {
		damageRecord(t, path, s, id)
	}
	s = mustOpen(t, Options{Path: path, OnCorrupt: func(string) { alarms++ }})
	for _, newest := range []bool{false, true} {
		f := scope("a/w")
		if f.Newest = newest; len(walk(t, s, f, 3)) != 10 || alarms != 0 {
			t.Errorf("newest %v: %d damaged records of others were read", newest, alarms)
		}
	}
	if got := walk(t, s, scope("b/w"), 3); got != nil || alarms != 10 {
		t.Errorf("%v, %d alarms", got, alarms)
	}
}

// damageRecord flips a bit behind the id of a record in a copy of the store.
func damageRecord(t *testing.T, path string, s *Store, id string) {
	t.Helper()
	f := openRaw(t, path)
	_ = s.view(func(tx *reader) error {
		raw, _ := parseID(id)
		value := tx.keys.Get(tx.ids.Get(raw[:]))
		for _, off := range places(t, f, value[:60]) {
			flip(t, f, 0, off+19)
		}
		return nil
	})
}

// TestListOfAWorkspaceThatLeadsElsewhere: an entry in the place of another, which
// leads to a sound key of another workspace, hides nobody.
func TestListOfAWorkspaceThatLeadsElsewhere(t *testing.T) {
	s, crowd := newCrowd(t, 40)
	spoil(t, s, func(w *writer) {
		for from, to := range map[string]string{crowd["a/w"][4]: crowd["ab/w"][4], crowd["ab/w"][6]: crowd["b/w"][6]} {
			rec, err := s.Get(from)
			if err != nil {
				t.Fatal(err)
			}
			old, _ := parseID(from)
			other, _ := parseID(to)
			for _, under := range [][]byte{workspaceFind(rec.Account, rec.Workspace), accountFind(rec.Account)} {
				under = slices.Clip(under)
				_ = w.finds.Delete(append(under, old[:]...))
				_ = w.finds.Put(append(under, other[:]...), nil)
			}
		}
	})
	for _, name := range []string{"a/w", "a", "ab/w", "ab"} {
		if got := walk(t, s, scope(name), 3); !slices.Equal(got, crowd[name]) {
			t.Errorf("%s: %d, want %d", name, len(got), len(crowd[name]))
		}
	}
}

// TestCursors that no list returned are refused, and cost no search.
func TestCursors(t *testing.T) {
	s, crowd := newCrowd(t, 40)
	last := crowd[""][39]
	for name, bad := range map[string][]string{
		"":    {"x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "00000000000000000000000000", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"},
		"a/w": {"x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", crowd["ab/w"][0], crowd["a/bw"][3], last},
		"a":   {"x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", crowd["ab/w"][0], last},
	} {
		for _, cursor := range bad {
			for _, newest := range []bool{false, true} {
				f := scope(name)
				f.Newest = newest
				var invalid *InvalidError
				if page, next, err := s.List(f, cursor, 3); !errors.As(err, &invalid) || invalid.Field != "cursor" || page != nil || next != "" {
					t.Errorf("%q, %s: %d records, %q, %v", name, cursor, len(page), next, err)
				}
			}
		}
	}
}

// TestWalkWhileKeysChange: a record that does not change is returned exactly
// once, whatever happens between two pages.
func TestWalkWhileKeysChange(t *testing.T) {
	s, crowd := newCrowd(t, 60)
	for _, name := range []string{"", "a/w"} {
		for _, newest := range []bool{false, true} {
			var stop bool
			var mu sync.Mutex
			var all sync.WaitGroup
			all.Go(func() {
				for n := 0; ; n++ {
					if mu.Lock(); stop {
						mu.Unlock()
						return
					}
					mu.Unlock()
					rec, _, err := s.Create(NewKey{Name: "new", Permission: Read, Account: "a", Workspace: "w"}, By{})
					if err == nil {
						_, err = s.Revoke(rec.ID, By{})
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
			f := scope(name)
			f.Newest = newest
			var old []string
			for _, id := range walk(t, s, f, 2) {
				if slices.Contains(crowd[""], id) {
					old = append(old, id)
				}
			}
			mu.Lock()
			stop = true
			mu.Unlock()
			all.Wait()
			if newest {
				slices.Reverse(old)
			}
			if !slices.Equal(old, crowd[name]) {
				t.Errorf("%q, newest %v: %d of %d", name, newest, len(old), len(crowd[name]))
			}
		}
	}
}

// TestEveryPlaceInFinds: wherever an entry of a workspace is damaged, its list is
// whole, by pages of every size; a census tells of it, and a change mends it.
func TestEveryPlaceInFinds(t *testing.T) {
	s, crowd := newCrowd(t, 40)
	path := copyOf(t, s)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n, id := range crowd[""] {
		rec, err := s.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		entry := findsOf(rec)[n%2]
		for at := range entry {
			if (at+n)%8 != 0 { // each run has others: ids are random
				continue
			}
			spoiled := bytes.Clone(raw)
			bit := rand.IntN(8)
			for _, off := range placesOn(raw, entry, leafPage) {
				spoiled[int(off)+at] ^= 1 << bit
			}
			if err := os.WriteFile(path, spoiled, fileMode); err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprintf("%s of %s/%s, byte %d, bit %d", id, rec.Account, rec.Workspace, at, bit)
			judgeFinds(t, path, what, rec, crowd)
		}
	}
}

func judgeFinds(t *testing.T, path, what string, rec *Record, crowd map[string][]string) {
	t.Helper()
	s, err := Open(Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.release() }()
	s.db.NoSync = true
	lists := func() {
		for name, want := range crowd {
			limit := 1 + rand.IntN(12)
			if got := walk(t, s, scope(name), limit); !slices.Equal(got, want) {
				t.Errorf("%s: %q by %d: %v", what, name, limit, got)
			}
			f := scope(name)
			f.Newest = true
			if got := walk(t, s, f, limit); len(got) != len(want) || got[0] != want[len(want)-1] {
				t.Errorf("%s: %q by %d from the newest: %v", what, name, limit, got)
			}
		}
	}
	lists()
	if _, err := s.Census(); err != nil || s.Stats().Unindexed == 0 {
		t.Errorf("%s: the census finds nothing: %+v, %v", what, s.Stats(), err)
	}
	lists()
	mustUpdate(t, s, rec.ID, Change{Name: ptr("mended")})
	if _, err := s.Census(); err != nil || s.Stats().Unindexed != 0 {
		t.Errorf("%s: after a change: %+v, %v", what, s.Stats(), err)
	}
	checkFinds(t, s)
	lists()
}

// TestGetIndexed: an id that the index does not have is unknown at once.
func TestGetIndexed(t *testing.T) {
	s, crowd := newCrowd(t, 8)
	hidden := crowd[""][3]
	raw, _ := parseID(hidden)
	spoil(t, s, func(w *writer) { _ = w.ids.Delete(raw[:]) })
	for _, id := range []string{"", "x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", hidden} {
		var missing *NotFoundError
		if rec, err := s.GetIndexed(id); !errors.As(err, &missing) || rec != nil {
			t.Errorf("%q: %+v, %v", id, rec, err)
		}
	}
	if _, err := s.Get(hidden); err != nil {
		t.Errorf("Get searches: %v", err)
	}
	if rec, err := s.GetIndexed(crowd[""][4]); err != nil || rec.ID != crowd[""][4] {
		t.Errorf("%+v, %v", rec, err)
	}
}
