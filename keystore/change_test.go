package keystore

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
)

func ptr[T any](v T) *T { return &v }

// lastAudit is the newest audit record.
func lastAudit(t *testing.T, s *Store) AuditRecord {
	t.Helper()
	page, _, err := s.AuditList(AuditQuery{Newest: true, Limit: 1})
	if err != nil || len(page) != 1 {
		t.Fatal(page, err)
	}
	return page[0]
}

func mustUpdate(t *testing.T, s *Store, id string, c Change) *Record {
	t.Helper()
	rec, err := s.Update(id, c, By{Actor: "uid:7"})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// TestUpdate: each field by itself and several at once, what the record is
// afterwards, in the answer and in the file, and what the audit says.
func TestUpdate(t *testing.T) {
	w := newWall()
	at := w.read().Add(48 * time.Hour)
	for _, c := range []struct {
		name     string
		change   Change
		want     func(*Record)
		action   string
		from, to fields
	}{
		{"name", Change{Name: ptr("  b ")}, func(r *Record) { r.Name = "b" }, "rename", fields{"name": "a"}, fields{"name": "b"}},
		{"disable", Change{Enabled: ptr(false)}, func(r *Record) { r.Disabled = true }, "disable", fields{"enabled": "true"}, fields{"enabled": "false"}},
		{"lower", Change{Permission: ptr(Read)}, func(r *Record) { r.Permission = Read }, "lower", fields{"permission": "full"}, fields{"permission": "read"}},
		{"lower a little", Change{Permission: ptr(Write)}, func(r *Record) { r.Permission = Write }, "lower", fields{"permission": "full"}, fields{"permission": "write"}},
		{"expiry at", Change{Expiry: ptr(ExpiresAt(at))}, func(r *Record) { r.ExpiresAt = at }, "set-expiry",
			fields{"expires_at": "2026-01-02T04:04:05.678Z"}, fields{"expires_at": "2026-01-04T03:04:05.678Z"}},
		{"expiry in", Change{Expiry: ptr(ExpiresIn(time.Minute))}, func(r *Record) { r.ExpiresAt = w.read().Add(time.Minute) }, "set-expiry",
			fields{"expires_at": "2026-01-02T04:04:05.678Z"}, fields{"expires_at": "2026-01-02T03:05:05.678Z"}},
		{"never", Change{Expiry: ptr(Expiry{})}, func(r *Record) { r.ExpiresAt = time.Time{} }, "set-expiry",
			fields{"expires_at": "2026-01-02T04:04:05.678Z"}, fields{"expires_at": ""}},
		{"labels", Change{Labels: map[string]*string{"env": ptr("prod"), "team": nil, "new": ptr("")}},
			func(r *Record) { r.Labels = map[string]string{"env": "prod", "id": "7", "new": ""} }, "label",
			fields{"labels": "env=dev,id=7,team=x"}, fields{"labels": "env=prod,id=7,new="}},
		{"all labels off", Change{Labels: map[string]*string{"env": nil, "team": nil, "id": nil, "none": nil}},
			func(r *Record) { r.Labels = nil }, "label", fields{"labels": "env=dev,id=7,team=x"}, fields{"labels": ""}},
		{"several", Change{Name: ptr("b"), Enabled: ptr(false), Permission: ptr(Read), Expiry: ptr(Expiry{}), Labels: map[string]*string{"id": ptr("8")}},
			func(r *Record) {
				r.Name, r.Disabled, r.Permission, r.ExpiresAt = "b", true, Read, time.Time{}
				r.Labels = map[string]string{"env": "dev", "team": "x", "id": "8"}
			}, "update",
			fields{"name": "a", "enabled": "true", "permission": "full", "expires_at": "2026-01-02T04:04:05.678Z", "labels": "env=dev,id=7,team=x"},
			fields{"name": "b", "enabled": "false", "permission": "read", "expires_at": "", "labels": "env=dev,id=8,team=x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
			rec, text := mustCreate(t, s, NewKey{Name: "a", Permission: Full, Expiry: ExpiresIn(time.Hour), Labels: map[string]string{"env": "dev", "team": "x", "id": "7"}})
			mustLookup(t, s, text)
			want := *rec
			c.want(&want)
			got := mustUpdate(t, s, rec.ID, c.change)
			if !same(got, &want) || !same(mustLookup(t, s, text), &want) {
				t.Errorf("%+v, want %+v", got, want)
			}
			if rec.Revision() == got.Revision() {
				t.Error("the revision is the same")
			}
			a := lastAudit(t, s)
			if a.Action != c.action || !maps.Equal(a.From, c.from) || !maps.Equal(a.To, c.to) || a.KeyID != rec.ID || a.Actor != "uid:7" || a.Seq != 2 {
				t.Errorf("audit %+v", a)
			}
			checkWhole(t, s)
			head := s.AuditHead()
			if c.name == "expiry in" {
				return // counts from now, whenever that is
			}
			if again := mustUpdate(t, s, rec.ID, c.change); !same(again, &want) || s.AuditHead() != head {
				t.Errorf("again: %+v, head %s", again, s.AuditHead())
			}
		})
	}
}

// TestUpdateTakesBack: what is reversible comes back, with its revision.
func TestUpdateTakesBack(t *testing.T) {
	s := openNew(t)
	rec, text := mustCreate(t, s, NewKey{})
	mustUpdate(t, s, rec.ID, Change{Enabled: ptr(false)})
	if st := mustLookup(t, s, text).Status(s.Now()); st != Disabled {
		t.Errorf("disabled: %s", st)
	}
	again := mustUpdate(t, s, rec.ID, Change{Enabled: ptr(true)})
	if a := lastAudit(t, s); a.Action != "enable" || a.To["enabled"] != "true" || !same(again, rec) || again.Revision() != rec.Revision() {
		t.Errorf("audit %+v, record %+v", a, again)
	}
}

// TestUpdateRefuses: nothing is written, and the error says what to do.
func TestUpdateRefuses(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	active, _ := mustCreate(t, s, NewKey{Permission: Write})
	revoked, _ := mustCreate(t, s, NewKey{})
	mustRevoke(t, s, revoked.ID)
	operator, _ := mustCreate(t, s, NewKey{Permission: Operator})
	expired, _ := mustCreate(t, s, NewKey{Expiry: ExpiresIn(time.Second)})
	both, _ := mustCreate(t, s, NewKey{Expiry: ExpiresIn(time.Second)})
	mustUpdate(t, s, both.ID, Change{Enabled: ptr(false)})
	old, _ := mustCreate(t, s, NewKey{})
	old, _, _, err := s.Rotate(old.ID, Rotation{}, By{})
	if err != nil {
		t.Fatal(err)
	}
	w.add(time.Second)
	full := map[string]*string{}
	for i := range MaxLabels + 1 {
		full[fmt.Sprint("l", i)] = ptr("x")
	}
	for _, c := range []struct {
		id     string
		change Change
		words  string // of a *RefusedError, or the field of an *InvalidError
	}{
		{revoked.ID, Change{Name: ptr("x")}, "is revoked and cannot be renamed"},
		{revoked.ID, Change{Enabled: ptr(true)}, "is revoked and cannot be enabled"},
		{revoked.ID, Change{Enabled: ptr(false)}, "is revoked and cannot be disabled"},
		{revoked.ID, Change{Expiry: ptr(Expiry{})}, "is revoked and cannot be given another expiry"},
		{revoked.ID, Change{Permission: ptr(Read)}, "is revoked and cannot be given another permission"},
		{revoked.ID, Change{Labels: map[string]*string{"a": nil}}, "is revoked and cannot be labelled"},
		{revoked.ID, Change{}, "is revoked and cannot be changed"},
		{expired.ID, Change{Expiry: ptr(Expiry{})}, "has expired, which is never undone"},
		{expired.ID, Change{Expiry: ptr(ExpiresIn(day)), Name: ptr("x")}, "has expired, which is never undone"},
		{both.ID, Change{Expiry: ptr(ExpiresIn(day))}, "has expired, which is never undone"},
		{both.ID, Change{Expiry: ptr(ExpiresIn(day)), Enabled: ptr(true)}, "has expired, which is never undone"},
		{old.ID, Change{Expiry: ptr(Expiry{})}, "its end can only be brought forward"},
		{old.ID, Change{Expiry: ptr(ExpiresAt(old.ExpiresAt.Add(time.Millisecond)))}, "its end can only be brought forward"},
		{active.ID, Change{Permission: ptr(Full)}, "can be lowered but never raised"},
		{active.ID, Change{Permission: ptr(Operator)}, "can be lowered but never raised"},
		{operator.ID, Change{Permission: ptr(Read)}, "is an operator key and stays one"},
		{active.ID, Change{Name: ptr("x"), Permission: ptr(Full)}, "never raised"},
		{active.ID, Change{Name: ptr(" ")}, "name"},
		{active.ID, Change{Permission: ptr(Permission(0))}, "permission"},
		{active.ID, Change{Permission: ptr(Permission(5))}, "permission"},
		{active.ID, Change{Expiry: ptr(ExpiresIn(time.Millisecond))}, "expires"},
		{active.ID, Change{Expiry: ptr(ExpiresAt(w.read().Add(-time.Hour)))}, "expires"},
		{active.ID, Change{Name: ptr("x"), Labels: map[string]*string{"-": ptr("x")}}, "labels"},
		{active.ID, Change{Labels: map[string]*string{"a": ptr("\n")}}, "labels"},
		{active.ID, Change{Labels: map[string]*string{"a": ptr(strings.Repeat("x", MaxLabelValue+1))}}, "labels"},
		{active.ID, Change{Labels: full}, "labels"},
	} {
		before, err := s.Get(c.id)
		if err != nil {
			t.Fatal(err)
		}
		head := s.AuditHead()
		got, err := s.Update(c.id, c.change, By{})
		var refused *RefusedError
		var invalid *InvalidError
		if errors.As(err, &refused); refused == nil && !errors.As(err, &invalid) || got != nil {
			t.Errorf("%q: %+v, %v", c.words, got, err)
			continue
		}
		if refused != nil && (refused.ID != c.id || !strings.Contains(err.Error(), c.words)) || invalid != nil && invalid.Field != c.words {
			t.Errorf("%q: %v", c.words, err)
		}
		if after, err := s.Get(c.id); err != nil || !same(after, before) || s.AuditHead() != head {
			t.Errorf("%q: %+v, %v, head %s", c.words, after, err, s.AuditHead())
		}
	}
	checkWhole(t, s)
}

// TestUpdateOfARetiringKey: its end comes forward, and then no more back.
func TestUpdateOfARetiringKey(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	rec, _ := mustCreate(t, s, NewKey{})
	old, _, _, err := s.Rotate(rec.ID, Rotation{RetireUnused: time.Hour}, By{})
	if err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, s, rec.ID, Change{Expiry: ptr(ExpiresAt(old.ExpiresAt))}) // the same
	got := mustUpdate(t, s, rec.ID, Change{Expiry: ptr(ExpiresIn(time.Hour)), Name: ptr("x")})
	if got.ExpiresAt != w.read().Add(time.Hour) || got.Status(s.Now()) != Retiring {
		t.Errorf("%+v", got)
	}
	var refused *RefusedError
	if _, err := s.Update(rec.ID, Change{Expiry: ptr(ExpiresIn(2 * time.Hour))}, By{}); !errors.As(err, &refused) {
		t.Errorf("back: %v", err)
	}
	checkWhole(t, s)
	w.add(time.Hour)
	if got.Status(s.Now()) != Expired {
		t.Errorf("after its end: %s", got.Status(s.Now()))
	}
}

// TestUpdateOfAnEndedKey: an expired key can still be named, labelled, lowered
// and disabled, and stays expired.
func TestUpdateOfAnEndedKey(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	rec, _ := mustCreate(t, s, NewKey{Permission: Full, Expiry: ExpiresIn(time.Second)})
	w.add(time.Second)
	for _, enabled := range []bool{false, true} {
		got := mustUpdate(t, s, rec.ID, Change{Name: ptr(fmt.Sprint(enabled)), Enabled: &enabled, Permission: ptr(Read), Labels: map[string]*string{"a": ptr("b")}})
		if !got.Ended(s.Now()) || got.Disabled == enabled || got.ExpiresAt != rec.ExpiresAt {
			t.Errorf("%+v", got)
		}
	}
}

// TestIfRevision: a change that was decided on another state is refused.
func TestIfRevision(t *testing.T) {
	s := openNew(t)
	rec, _ := mustCreate(t, s, NewKey{Permission: Full})
	seen := rec.Revision()
	got := mustUpdate(t, s, rec.ID, Change{Name: ptr("b"), IfRevision: seen})
	head := s.AuditHead()
	for _, c := range []Change{{Name: ptr("c")}, {Name: ptr("b")}, {}} {
		c.IfRevision = seen
		var conflict *ConflictError
		if _, err := s.Update(rec.ID, c, By{}); !errors.As(err, &conflict) || conflict.ID != rec.ID || conflict.Revision != got.Revision() {
			t.Errorf("%+v: %v", c, err)
		}
	}
	mustRevoke(t, s, rec.ID)
	var conflict *ConflictError
	if _, err := s.Update(rec.ID, Change{Name: ptr("c"), IfRevision: got.Revision()}, By{}); !errors.As(err, &conflict) {
		t.Errorf("revoked since: %v", err)
	}
	if s.AuditHead().Seq != head.Seq+1 {
		t.Errorf("head %s", s.AuditHead())
	}
}

// TestRevision differs with every field of a record.
func TestRevision(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000).UTC()
	id, other := "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAW"
	base := Record{ID: id, Name: "n", Permission: Read, Account: "a", Workspace: "w", Prefix: "ant_", Last4: "WXYZ", CreatedAt: now}
	seen := map[string]string{base.Revision(): "base"}
	for name, change := range map[string]func(*Record){
		"id": func(r *Record) { r.ID = other }, "name": func(r *Record) { r.Name = "m" }, "permission": func(r *Record) { r.Permission = Write },
		"account": func(r *Record) { r.Account = "b" }, "workspace": func(r *Record) { r.Workspace = "v" }, "prefix": func(r *Record) { r.Prefix = "x_" },
		"last4": func(r *Record) { r.Last4 = "WXY" }, "created": func(r *Record) { r.CreatedAt = now.Add(time.Millisecond) },
		"expires": func(r *Record) { r.ExpiresAt = now }, "revoked": func(r *Record) { r.RevokedAt = now }, "disabled": func(r *Record) { r.Disabled = true },
		"replaces": func(r *Record) { r.Replaces = other }, "replaced by": func(r *Record) { r.ReplacedBy = other },
		"retire": func(r *Record) { r.RetireUnused = time.Minute }, "created by": func(r *Record) { r.CreatedBy = "uid:1" },
		"labels": func(r *Record) { r.Labels = map[string]string{"a": ""} }, "import": func(r *Record) { r.Import = other },
	} {
		rec := base
		change(&rec)
		if before, taken := seen[rec.Revision()]; taken || len(rec.Revision()) != 16 {
			t.Errorf("%s has the revision of %s: %s", name, before, rec.Revision())
		}
		seen[rec.Revision()] = name
	}
	if _, invalid := seen[(&Record{}).Revision()]; invalid {
		t.Error("a record above could not be encoded")
	}
}

// TestLabelText cannot be read as other labels.
func TestLabelText(t *testing.T) {
	for want, labels := range map[string]map[string]string{
		"": nil, "a=1,b=2": {"b": "2", "a": "1"}, `a="1,b=2"`: {"a": "1,b=2"}, `a="\"x\""`: {"a": `"x"`}, "a=": {"a": ""}, "a=x y": {"a": "x y"},
	} {
		if got := labelText(labels); got != want {
			t.Errorf("%v: %s, want %s", labels, got, want)
		}
	}
}

// TestLabelsOfANewKey are checked, kept apart from the caller's map, and told of.
func TestLabelsOfANewKey(t *testing.T) {
	s := openNew(t)
	labels := map[string]string{"a/b.c_d-e": "x ü", strings.Repeat("n", MaxScope): strings.Repeat("ü", MaxLabelValue)}
	for len(labels) < MaxLabels {
		labels[fmt.Sprint("l", len(labels))] = ""
	}
	rec, text := mustCreate(t, s, NewKey{Labels: labels})
	if !maps.Equal(mustLookup(t, s, text).Labels, labels) || lastAudit(t, s).To["labels"] != labelText(labels) {
		t.Errorf("%v, audit %v", rec.Labels, lastAudit(t, s))
	}
	labels["one-more"] = "x"
	if len(rec.Labels) != MaxLabels {
		t.Error("the record has the map of the caller")
	}
	leaked := mustMint(t, "ant_")
	for _, bad := range []map[string]string{
		labels, {"": "x"}, {"-a": "x"}, {"a b": "x"}, {"ä": "x"}, {strings.Repeat("n", MaxScope+1): "x"},
		{"a": "\x00"}, {"a": "\xff"}, {"a": "x\ny"}, {"a": strings.Repeat("x", MaxLabelValue+1)}, {"a": leaked}, {leaked: "x"}, {leaked[:4] + "x": leaked},
	} {
		_, _, err := s.Create(NewKey{Name: "n", Permission: Read, Labels: bad}, By{})
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Field != "labels" || strings.Contains(err.Error(), leaked) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}
