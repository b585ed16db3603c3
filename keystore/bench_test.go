package keystore

import "testing"

// The cost of a look-up as the check pays for it: allocations are part of the
// contract (TestHitAllocations).

func BenchmarkLookupHit(b *testing.B) {
	for name, pepper := range map[string][]byte{"plain": nil, "pepper": make([]byte, MinPepper)} {
		b.Run(name, func(b *testing.B) {
			s := mustOpen(b, Options{Path: newPath(b), Pepper: pepper})
			_, text := mustCreate(b, s, NewKey{})
			mustLookup(b, s, text)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Lookup(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLookupHitParallel(b *testing.B) {
	s := openNew(b)
	_, text := mustCreate(b, s, NewKey{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Lookup(text); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkLookupMiss(b *testing.B) {
	s := openNew(b)
	_, text := mustCreate(b, s, NewKey{})
	digest := []Digest{s.hasher.digest(text)}
	b.ReportAllocs()
	for b.Loop() {
		s.cache.evict(digest)
		if _, err := s.Lookup(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookupUnknown(b *testing.B) {
	s := openNew(b)
	mustCreate(b, s, NewKey{})
	text := mustMint(b, "ant_")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Lookup(text); err != ErrUnknownKey {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookupJunk(b *testing.B) {
	s := openNew(b)
	text := mustMint(b, "ant_")
	text = text[:len(text)-1] + "!"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Lookup(text); err != ErrUnknownKey {
			b.Fatal(err)
		}
	}
}

func BenchmarkNow(b *testing.B) {
	s := openNew(b)
	b.ReportAllocs()
	for b.Loop() {
		s.Now()
	}
}

func BenchmarkCreate(b *testing.B) {
	s := openNew(b)
	for b.Loop() {
		mustCreate(b, s, NewKey{})
	}
}

func TestHitAllocations(t *testing.T) {
	for _, pepper := range [][]byte{nil, make([]byte, MinPepper)} {
		s := mustOpen(t, Options{Path: newPath(t), Pepper: pepper})
		_, text := mustCreate(t, s, NewKey{})
		mustLookup(t, s, text)
		junk := text[:len(text)-1] + "~"
		for _, token := range []string{text, junk} {
			if n := testing.AllocsPerRun(100, func() { _, _ = s.Lookup(token) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		}
	}
}

// TestJunkCostsNoLookup: while nothing was imported, what has not a minted
// prefix and the right checksum is refused before any I/O; afterwards it is
// looked up.
func TestJunkCostsNoLookup(t *testing.T) {
	s := openNew(t)
	_, text := mustCreate(t, s, NewKey{})
	junk := []string{"", "x", "ant_", text + "x", text[:52] + "-", mustMint(t, "acme_"), "sk-foreign-123", text[1:], "ANT" + text[3:]}
	for _, token := range junk {
		if _, err := s.Lookup(token); err != ErrUnknownKey {
			t.Errorf("%q: %v", token, err)
		}
	}
	if st := s.Stats(); st.Junk != uint64(len(junk)) || st.CacheMisses != 0 {
		t.Errorf("%+v", st)
	}
	if _, err := s.Lookup(mustMint(t, "ant_")); err != ErrUnknownKey || s.Stats().CacheMisses != 1 || s.Stats().CacheRecords != 0 {
		t.Errorf("%v, %+v", err, s.Stats())
	}
	s.imported.Store(true)
	if _, err := s.Lookup("sk-foreign-123"); err != ErrUnknownKey || s.Stats().CacheMisses != 2 {
		t.Errorf("%v, %+v", err, s.Stats())
	}
	for _, token := range []string{"", "a b", "a\x00", string(make([]byte, maxText+1))} {
		if _, err := s.Lookup(token); err != ErrUnknownKey || s.Stats().CacheMisses != 2 {
			t.Errorf("%q: %v, %+v", token, err, s.Stats())
		}
	}
}
