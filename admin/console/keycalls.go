package console

import (
	"errors"
	"time"

	"github.com/antinium/keygate/keystore"
)

func keyPath(id string) string { return listPath + "/" + id }

// record is the key that the address names.
func (v *visit) record() (*keystore.Record, error) { return v.keys.Record(v.r.PathValue("id")) }

// key is all about one key.
func (v *visit) key() (answer, error) {
	p, err := v.keyPage()
	if err != nil {
		return answer{}, err
	}
	return show(p)
}

// backToKey leads from the address of a form to the key.
func (v *visit) backToKey() (answer, error) {
	r, err := v.record()
	if err != nil {
		return answer{}, err
	}
	return answer{to: keyPath(r.ID)}, nil
}

func (v *visit) keyPage() (KeyPage, error) {
	r, err := v.record()
	if err != nil {
		return KeyPage{}, err
	}
	now := v.keys.Now()
	p := KeyPage{
		Key: row(v.keys.Show(r), now), Revision: r.Revision(), MadeBy: v.maker(r.CreatedBy), Revoked: past(r.RevokedAt, now),
		Replaces: v.rowOf(r.Replaces), ReplacedBy: v.rowOf(r.ReplacedBy), Labels: labelsOf(r.Labels),
		Rename: Field{Value: r.Name}, LabelsForm: Field{Value: labelLines(r.Labels)}, Expiry: v.expiryOf(r),
		Usage: v.usageSummary(r.ID), May: actions(r, now), Own: v.who.KeyID == r.ID,
	}
	if r.Status(now) == keystore.Retiring {
		p.OverlapTo = end(r.ExpiresAt, now)
		p.RetireUnused = retireWords(r.RetireUnused)
	}
	p.Made, p.MadeLive, err = v.made(r)
	return p, err
}

func retireWords(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return span(d)
}

// expiryOf is the form with the expiry that a key has.
func (v *visit) expiryOf(r *keystore.Record) Expiry {
	e := v.expiry(ExpiryChoices())
	e.Choice = "never"
	if !r.ExpiresAt.IsZero() {
		e.Choice, e.Date = dateChoice, lastDay(r.ExpiresAt).Format(time.DateOnly)
	}
	return e
}

// actions are what the state of a key allows.
func actions(r *keystore.Record, now time.Time) KeyActions {
	status := r.Status(now)
	if status == keystore.Revoked {
		return KeyActions{}
	}
	alive := !r.Ended(now)
	return KeyActions{
		Rename: true, Labels: true, Revoke: true,
		Expiry: alive, Lower: alive && len(LowerPermissions(r.Permission.String())) > 0,
		Disable: alive && !r.Disabled, Enable: alive && r.Disabled, Rotate: status == keystore.Active,
	}
}

// The changes of a key. Each is one field of a form; a page that has become old
// changes nothing.

func (v *visit) rename() (answer, error) {
	name := v.form("name")
	return v.change(keystore.Change{Name: &name}, "Renamed.", func(p *KeyPage, problem string) {
		p.Rename = Field{v.echo("name"), problem}
	})
}

func (v *visit) label() (answer, error) {
	r, err := v.record()
	if err != nil {
		return answer{}, err
	}
	wrong := func(p *KeyPage, problem string) { p.LabelsForm = Field{v.echo("labels"), problem} }
	want, problem := readLabels(v.form("labels"))
	if problem != "" {
		return v.wrong(wrong, problem)
	}
	return v.change(keystore.Change{Labels: relabelled(r.Labels, want)}, "Labels saved.", wrong)
}

func (v *visit) setExpiry() (answer, error) {
	e, when := v.readExpiry(ExpiryChoices())
	wrong := func(p *KeyPage, problem string) { p.Expiry, p.Expiry.Error = e, problem }
	if e.Error != "" {
		return v.wrong(wrong, e.Error)
	}
	return v.change(keystore.Change{Expiry: &when}, "Expiry changed.", wrong)
}

func (v *visit) lower() (answer, error) {
	wrong := func(p *KeyPage, problem string) { p.LowerProblem = problem }
	permission, err := keystore.ParsePermission(oneOf(v.form("permission"), PermissionChoices()))
	if err != nil {
		return v.wrong(wrong, chooseOne)
	}
	return v.change(keystore.Change{Permission: &permission}, "Permission lowered.", wrong)
}

func (v *visit) enable() (answer, error) {
	on := true
	return v.change(keystore.Change{Enabled: &on}, "Key enabled: it works again.", nil)
}

func (v *visit) disable() (answer, error) {
	on := false
	return v.change(keystore.Change{Enabled: &on}, "Key disabled: requests with it get 401.", nil)
}

// change makes a change and leads back to the key. wrong puts a problem with
// what was filled in into the page.
func (v *visit) change(c keystore.Change, done string, wrong func(*KeyPage, string)) (answer, error) {
	id := v.r.PathValue("id")
	if c.IfRevision = v.form("revision"); c.IfRevision == "" {
		return tooOld()
	}
	_, err := v.keys.Update(v.r.Context(), id, c)
	if err == nil {
		return answer{to: keyPath(id), notice: done}, nil
	}
	problem, about := problemOf(err, "name", "labels", "expires", "permission")
	var refused *keystore.RefusedError
	if errors.As(err, &refused) {
		problem, about = sentence("the key "+refused.Problem), true
	}
	if !about || wrong == nil {
		return answer{}, err
	}
	return v.wrong(wrong, problem)
}

// wrong shows the key with a problem in one of its forms.
func (v *visit) wrong(put func(*KeyPage, string), problem string) (answer, error) {
	p, err := v.keyPage()
	if err != nil {
		return answer{}, err
	}
	put(&p, problem)
	return refuse(p)
}
