package console

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/antinium/keygate/keystore"
)

// askRotate is the form with what a rotation does unless told otherwise.
func (v *visit) askRotate() (answer, error) {
	p, err := v.rotateForm()
	p.Once = newToken()
	return answer{page: p}, err
}

func (v *visit) rotateForm() (RotateKey, error) {
	r, err := v.record()
	if err != nil {
		return RotateKey{}, err
	}
	e := v.expiry(RotationExpiryChoices(lifetime(r.CreatedAt, r.ExpiresAt)))
	e.Choice = sameChoice
	return RotateKey{Key: row(v.keys.Show(r), v.keys.Now()), Overlap: "24h", Expiry: e}, nil
}

// rotate makes a new key for an old one. As with create, the answer is the one
// page with the text.
func (v *visit) rotate() (answer, error) {
	p, err := v.rotateForm()
	if err != nil {
		return answer{}, err
	}
	if p.Once = v.echo("once"); p.Once == "" {
		return tooOld()
	}
	wanted := v.readRotation(&p)
	if p.Expiry.Error != "" {
		return refuse(p)
	}
	old, fresh, text, err := v.keys.Rotate(v.r.Context(), p.Key.ID, wanted)
	var repeated *keystore.RepeatedError
	switch {
	case errors.As(err, &repeated):
		return v.repeated(repeated.ID)
	case err != nil:
		return p.refused(err)
	}
	now := v.keys.Now()
	gone := OldKey{ID: old.ID, Name: old.Name, Masked: masked(v.keys.Show(old))}
	if !old.Ended(now) {
		gone.Until, gone.RetireUnused = end(old.ExpiresAt, now), retireWords(old.RetireUnused)
	}
	return show(ShownKey{Key: row(v.keys.Show(fresh), now), Text: text, TryURL: v.tryURL, Old: &gone})
}

// readRotation puts what was posted into the form, and reads it.
func (v *visit) readRotation(p *RotateKey) keystore.Rotation {
	wanted := keystore.Rotation{Once: p.Once}
	if p.Overlap = oneOf(v.form("overlap"), OverlapChoices()); p.Overlap != "" {
		overlap, _ := keystore.ParseDuration(p.Overlap) // one of the choices
		wanted.Overlap = &overlap
	}
	p.Retire = oneOf(v.form("retire"), RetireChoices())
	if p.Retire != "" && (wanted.Overlap == nil || *wanted.Overlap > 0) {
		wanted.RetireUnused, _ = keystore.ParseDuration(p.Retire) // one of the choices
	}
	expiry, when := v.readExpiry(p.Expiry.Choices)
	p.Expiry = expiry
	if expiry.Choice != sameChoice {
		wanted.Expiry = &when
	}
	return wanted
}

func (p RotateKey) refused(err error) (answer, error) {
	if problem, about := problemOf(err, "expires"); about {
		p.Expiry.Error = problem
		return refuse(p)
	}
	var refused *keystore.RefusedError
	if !errors.As(err, &refused) {
		return answer{}, err
	}
	p.Problem = sentence("the key " + refused.Problem)
	return refuse(p)
}

// askRevoke names the key, and says what it made.
func (v *visit) askRevoke() (answer, error) {
	p, err := v.revokeForm()
	return answer{page: p}, err
}

func (v *visit) revokeForm() (RevokeKey, error) {
	r, err := v.record()
	if err != nil {
		return RevokeKey{}, err
	}
	p := RevokeKey{Key: row(v.keys.Show(r), v.keys.Now()), Own: v.who.KeyID == r.ID}
	p.Made, p.MadeLive, err = v.made(r)
	return p, err
}

// revoke ends a key for good, and what it made if that was asked for.
func (v *visit) revoke() (answer, error) {
	id, reason := v.r.PathValue("id"), v.form("reason")
	_, others, err := v.keyring(reason).Revoke(v.r.Context(), id, v.form("made") != "")
	if problem, about := problemOf(err, "reason"); about {
		p, err := v.revokeForm()
		p.Problem, p.Reason, p.EndMade = "The reason: "+problem, v.echo("reason"), v.form("made") != ""
		return answer{page: p, status: http.StatusUnprocessableEntity}, err
	}
	if err != nil {
		return answer{}, err
	}
	if v.who.KeyID == id {
		return answer{to: signedOutPath, leave: true}, nil
	}
	done := "Key revoked: requests with it get 401 from now on."
	if others > 0 {
		done = fmt.Sprintf("Key revoked, and %s that it made.", plural(others, "key", "keys"))
	}
	return answer{to: keyPath(id), notice: done}, nil
}
