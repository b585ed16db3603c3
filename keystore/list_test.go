package keystore

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func TestList(t *testing.T) {
	s := openNew(t)
	var ids []string
	for i := range 25 {
		k := NewKey{Account: fmt.Sprint("a", i%2), Workspace: fmt.Sprint("w", i%3), Permission: Permission(i%3 + 1)}
		rec, _ := mustCreate(t, s, k)
		ids = append(ids, rec.ID)
		if i%5 == 0 {
			mustRevoke(t, s, rec.ID)
		}
	}
	for _, f := range []Filter{
		{}, {Account: "a1"}, {Workspace: "w2"}, {Account: "a0", Workspace: "w1"}, {Permission: Write}, {Status: Revoked}, {Status: Active, Account: "a1"},
		{Account: "none"}, {Status: Expired},
	} {
		var want []string
		for i, id := range ids {
			rec, err := s.Get(id)
			if err != nil {
				t.Fatal(err)
			}
			if f.matches(rec, s.Now()) && (f.Account == "" || f.Account == fmt.Sprint("a", i%2)) {
				want = append(want, id)
			}
		}
		for _, limit := range []int{1, 2, 5, 24, 25, 26, MaxPage} {
			if got := walk(t, s, f, limit); !slices.Equal(got, want) {
				t.Errorf("%+v by %d: %v, want %v", f, limit, got, want)
			}
		}
	}
}

// walk lists all pages, and checks that none is empty but the only one.
func walk(t *testing.T, s *Store, f Filter, limit int) (ids []string) {
	t.Helper()
	for after := ""; ; {
		page, next, err := s.List(f, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range page {
			ids = append(ids, rec.ID)
		}
		if len(page) > limit || len(page) == 0 && after != "" || next != "" && len(page) != limit {
			t.Errorf("a page of %d, limit %d, next %q", len(page), limit, next)
		}
		if next == "" {
			return ids
		}
		after = next
	}
}

// TestListOverManyChunks: a page may need several read transactions.
func TestListOverManyChunks(t *testing.T) {
	s := openNew(t)
	const many = 2*chunk + 7
	err := s.apply(By{}, func(w *writer) error {
		for i := range many {
			rec := Record{Name: fmt.Sprint(i), Permission: Read, Account: "a", Workspace: "w", Prefix: "ant_"}
			if i == many-1 {
				rec.Permission = Full
			}
			if err := w.add(&rec, NewSecret(mustMint(t, "ant_"))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page, next, err := s.List(Filter{Permission: Full}, "", 1)
	if err != nil || len(page) != 1 || page[0].Name != fmt.Sprint(many-1) || next != "" {
		t.Errorf("%v %q %v", page, next, err)
	}
	if got := walk(t, s, Filter{}, MaxPage); len(got) != many || !slices.IsSorted(got) {
		t.Errorf("%d records", len(got))
	}
	if census, err := s.Census(); err != nil || census.ByStatus[Active] != many {
		t.Errorf("census %v, %v", census, err)
	}
}

func TestListRefuses(t *testing.T) {
	s := openNew(t)
	for _, limit := range []int{0, -1, MaxPage + 1} {
		_, _, err1 := s.List(Filter{}, "", limit)
		_, err2 := s.Audit(0, limit)
		for _, err := range []error{err1, err2} {
			var invalid *InvalidError
			if !errors.As(err, &invalid) || invalid.Field != "limit" {
				t.Errorf("%d: %v", limit, err)
			}
		}
	}
	var invalid *InvalidError
	if _, _, err := s.List(Filter{}, "x", 1); !errors.As(err, &invalid) || invalid.Field != "cursor" {
		t.Errorf("cursor: %v", err)
	}
	if a, err := s.Audit(^uint64(0), 1); err != nil || a != nil {
		t.Errorf("audit behind the end: %v, %v", a, err)
	}
}
