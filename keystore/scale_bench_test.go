package keystore

import (
	"fmt"
	"os"
	"testing"
)

// scale is how many keys the store of the benchmarks below has:
// $KEYSTORE_BENCH_KEYS, or a million.
func scale(b *testing.B) (n int) {
	if _, err := fmt.Sscan(os.Getenv("KEYSTORE_BENCH_KEYS"), &n); err != nil {
		n = 1_000_000
	}
	return n
}

// BenchmarkMillion is the administration of a store with a million keys of a
// thousand workspaces: one of them, small/w, has ten keys; the second key made a
// thousand others, the third ten.
func BenchmarkMillion(b *testing.B) {
	s, err := Open(Options{Path: newPath(b)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	s.db.NoSync = true
	many := scale(b)
	makers := makeMany(b, s, 3, func(int, *Record) {})
	ids := makeMany(b, s, many, func(i int, rec *Record) {
		rec.Workspace = fmt.Sprint("w", i%1000)
		switch {
		case i%(many/10) == 0:
			rec.Account, rec.Workspace, rec.Labels = "small", "w", map[string]string{"rare": "yes"}
		case i%(many/10) == 1:
			rec.CreatedBy = madeBy + makers[2]
		case i%(many/1000) == 2:
			rec.CreatedBy = madeBy + makers[1]
		}
	})
	s.db.NoSync = false
	if err := s.db.Sync(); err != nil {
		b.Fatal(err)
	}
	b.Run("lists", func(b *testing.B) { benchLists(b, s, ids) })
	b.Run("descent", func(b *testing.B) { benchDescent(b, s, makers) })
	b.Run("census", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Census(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("create", func(b *testing.B) {
		for b.Loop() {
			mustCreate(b, s, NewKey{Labels: map[string]string{LabelID: "x"}})
		}
	})
	b.Run("revoke", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			mustRevoke(b, s, ids[n*7919%len(ids)])
		}
	})
}

func benchLists(b *testing.B, s *Store, ids []string) {
	for _, c := range []struct {
		name  string
		f     Filter
		after string
		want  int
	}{
		{"whole, first page", Filter{}, "", 50},
		{"whole, in the middle", Filter{}, ids[len(ids)/2], 50},
		{"whole, newest", Filter{Newest: true}, "", 50},
		{"whole, page of 500", Filter{}, "", 500},
		{"whole, rare label", Filter{Labels: map[string]string{"rare": "yes"}}, "", 10},
		{"one account of ten keys", Filter{Account: "small"}, "", 10},
		{"one workspace of ten keys", Filter{Account: "small", Workspace: "w"}, "", 10},
		{"one workspace of a thousand, rare label", Filter{Account: "a", Workspace: "w7", Labels: map[string]string{"rare": "no"}}, "", 0},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				page, _, err := s.List(c.f, c.after, max(c.want, 50))
				if err != nil || len(page) != c.want {
					b.Fatal(len(page), err)
				}
			}
		})
	}
}

func benchDescent(b *testing.B, s *Store, makers []string) {
	b.Run("made none", func(b *testing.B) { benchMade(b, s, makers[0], 0) })
	b.Run("made a thousand", func(b *testing.B) { benchMade(b, s, makers[1], 1000) })
	b.Run("revoke with ten descendants", func(b *testing.B) { // once; then only the search for them is left
		for b.Loop() {
			if _, err := s.RevokeDescendants(makers[2], By{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("dry run of revoke --all", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.RevokeAll(Filter{Account: "small"}, true, By{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("revoke --all, nobody", func(b *testing.B) {
		for b.Loop() {
			if n, err := s.RevokeAll(Filter{Account: "nobody"}, false, By{}); n != 0 || err != nil {
				b.Fatal(n, err)
			}
		}
	})
}

func benchMade(b *testing.B, s *Store, id string, want int) {
	for b.Loop() {
		if n, err := s.Made(id); n != want || err != nil {
			b.Fatal(n, err)
		}
	}
}
