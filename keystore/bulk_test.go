package keystore

import (
	"errors"
	"testing"
	"time"
)

// A key that ended after it was let in changes nothing: neither does one that was disabled, or has less permission.
func TestEndedKeysChangeNothing(t *testing.T) {
	for name, end := range map[string]func(*Store, string) error{
		"revoked":  func(s *Store, id string) error { _, err := s.Revoke(id, By{}); return err },
		"disabled": func(s *Store, id string) error { _, err := s.Update(id, Change{Enabled: new(bool)}, By{}); return err },
		"lowered": func(s *Store, id string) error {
			lower := Read
			_, err := s.Update(id, Change{Permission: &lower}, By{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustOpen(t, Options{Path: newPath(t)})
			holder, _, err := s.Create(NewKey{Name: "holder", Permission: Full}, By{})
			if err != nil {
				t.Fatal(err)
			}
			by := By{Actor: madeBy + holder.ID, Permission: Full}
			child, _, err := s.Create(NewKey{Name: "child", Permission: Read}, by)
			if err != nil {
				t.Fatal(err)
			}
			if err := end(s, holder.ID); err != nil {
				t.Fatal(err)
			}
			before := s.AuditHead()
			_, _, made := s.Create(NewKey{Name: "late", Permission: Full}, by)
			_, renamed := s.Rename(child.ID, "late", by)
			_, _, _, rotated := s.Rotate(child.ID, Rotation{}, by)
			_, revoked := s.Revoke(child.ID, by)
			_, many := s.RevokeAll(Filter{Account: "default"}, false, by)
			_, family := s.RevokeDescendants(child.ID, by)
			for call, err := range map[string]error{"create": made, "rename": renamed, "rotate": rotated, "revoke": revoked, "revoke all": many, "descendants": family} {
				if !errors.Is(err, ErrActorEnded) {
					t.Errorf("%s: %v", call, err)
				}
			}
			if s.AuditHead() != before {
				t.Error("something was changed")
			}
		})
	}
}

// A change of many keys looks around without the lock of changes, and misses nothing that is made in the meantime.
func TestManyAreRevokedWithWhatWasMadeMeanwhile(t *testing.T) {
	s := mustOpen(t, Options{Path: newPath(t)})
	root, _, err := s.Create(NewKey{Name: "root", Permission: Full}, By{})
	if err != nil {
		t.Fatal(err)
	}
	kin := kinship{}
	v, err := s.look(By{}, kin.add)
	if err != nil {
		t.Fatal(err)
	}
	late, _, err := s.Create(NewKey{Name: "late", Permission: Full}, By{Actor: madeBy + root.ID})
	if err != nil {
		t.Fatal(err)
	}
	err = s.apply(By{}, func(w *writer) error {
		_, err := w.revokeFamily(root.ID, v, kin)
		return err
	})
	if got, _ := s.Get(late.ID); err != nil || got.Status(s.Now()) != Revoked {
		t.Errorf("%v, the late key is %s", err, got.Status(s.Now()))
	}
}

// Keys get one change of many keys at a time; whoever holds the socket waits.
func TestKeysChangeManyOneAtATime(t *testing.T) {
	s := mustOpen(t, Options{Path: newPath(t)})
	holder, _, err := s.Create(NewKey{Name: "holder", Permission: Full}, By{})
	if err != nil {
		t.Fatal(err)
	}
	s.surveying.Lock()
	by := By{Actor: madeBy + holder.ID}
	if _, err := s.RevokeAll(Filter{Account: "default"}, false, by); !errors.Is(err, ErrBusy) {
		t.Errorf("a key: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.RevokeAll(Filter{Account: "default"}, true, By{Actor: "uid:0"})
		done <- err
	}()
	if _, err := s.Revoke(holder.ID, By{}); err != nil {
		t.Errorf("a plain revoke beside it: %v", err)
	}
	s.surveying.Unlock()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the owner's call hangs")
	}
}

// A name of a call belongs to the scope that its actor acts in, and a name of a rotation to its key.
func TestOnceIsOfTheScope(t *testing.T) {
	s := mustOpen(t, Options{Path: newPath(t)})
	good, evil := By{Actor: "uid:1", Scope: "acme/good"}, By{Actor: "uid:1", Scope: "acme/evil"}
	first, _, err1 := s.Create(NewKey{Name: "a", Permission: Read, Once: "order-1"}, good)
	second, _, err2 := s.Create(NewKey{Name: "b", Permission: Read, Once: "order-1"}, evil)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	_, _, _, err1 = s.Rotate(first.ID, Rotation{Once: "x"}, good)
	_, _, _, err2 = s.Rotate(second.ID, Rotation{Once: "x"}, good)
	if err1 != nil || err2 != nil {
		t.Error(err1, err2)
	}
}
