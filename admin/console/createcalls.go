package console

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/antinium/keygate/keystore"
)

const (
	chooseOne     = "Choose one."
	chooseDate    = "Choose a date."
	defaultExpiry = "90d"
)

// askCreate is the empty form.
func (v *visit) askCreate() (answer, error) {
	p := v.createForm()
	p.Once = newToken()
	p.Permission.Value = "read"
	p.Expiry.Choice = defaultExpiry
	p.Account.Value, p.Workspace.Value = "default", "default"
	return show(p)
}

// createForm is the form for the visitor's scope.
func (v *visit) createForm() CreateKey {
	return CreateKey{
		Expiry: v.expiry(ExpiryChoices()), AskAccount: v.who.Account == "", AskWorkspace: v.who.Workspace == "",
	}
}

// expiry is an empty choice of one of choices.
func (v *visit) expiry(choices []Choice) Expiry {
	return Expiry{Choices: choices, Min: v.keys.Now().UTC().Format(time.DateOnly)}
}

// readExpiry is the choice as it was posted, and the expiry that it means.
func (v *visit) readExpiry(choices []Choice) (e Expiry, when keystore.Expiry) {
	e = v.expiry(choices)
	e.Choice, e.Date = oneOf(v.form("expires"), choices), v.echo("date")
	wanted := e.Choice
	if e.Choice == dateChoice {
		if _, err := time.Parse(time.DateOnly, e.Date); err != nil {
			e.Error = chooseDate
			return e, when
		}
		wanted = e.Date
	}
	switch wanted {
	case "":
		e.Error = chooseOne
	case sameChoice:
	default:
		when, _ = keystore.ParseWhen(wanted) // one of the choices, or a date
	}
	return e, when
}

// create makes a key. The answer is the one page with its text: it is no page
// that one could be led to or open again.
func (v *visit) create() (answer, error) {
	p, wanted := v.readCreate()
	if wanted.Once == "" {
		return tooOld()
	}
	if len(p.Problems()) > 0 {
		return refuse(p)
	}
	r, text, err := v.keys.Create(v.r.Context(), wanted)
	var repeated *keystore.RepeatedError
	switch {
	case errors.As(err, &repeated):
		return v.repeated(repeated.ID)
	case err != nil:
		return p.refused(err, v)
	}
	return show(ShownKey{Key: row(v.keys.Show(r), v.keys.Now()), Text: text, TryURL: v.tryURL})
}

// readCreate is the form as it was posted, with what is wrong in it, and the key
// that it asks for.
func (v *visit) readCreate() (CreateKey, keystore.NewKey) {
	p := v.createForm()
	p.Once = v.echo("once")
	p.Name.Value, p.Labels.Value = v.echo("name"), v.echo("labels")
	p.Account.Value, p.Workspace.Value = v.echo("account"), v.echo("workspace")
	p.Permission.Value = oneOf(v.form("permission"), PermissionChoices())
	wanted := keystore.NewKey{Name: v.form("name"), Account: strings.TrimSpace(v.form("account")), Workspace: strings.TrimSpace(v.form("workspace")), Once: p.Once}
	p.Expiry, wanted.Expiry = v.readExpiry(ExpiryChoices())
	wanted.Labels, p.Labels.Error = readLabels(v.form("labels"))
	if strings.TrimSpace(wanted.Name) == "" {
		p.Name.Error = "Give it a name."
	}
	if p.Permission.Value == "" {
		p.Permission.Error = chooseOne
	} else {
		wanted.Permission, _ = keystore.ParsePermission(p.Permission.Value) // one of the choices
	}
	if !p.AskAccount {
		wanted.Account = "" // the keyring puts it into the visitor's scope
	}
	if !p.AskWorkspace {
		wanted.Workspace = ""
	}
	return p, wanted
}

// refused shows the form again with what the keyring said.
func (p CreateKey) refused(err error, v *visit) (answer, error) {
	for field, to := range map[string]*string{
		"name": &p.Name.Error, "permission": &p.Permission.Error, "expires": &p.Expiry.Error,
		"account": &p.Account.Error, "workspace": &p.Workspace.Error, "labels": &p.Labels.Error,
	} {
		if problem, about := problemOf(err, field); about {
			*to = problem
			return refuse(p)
		}
	}
	a := v.failed(err)
	problem, isProblem := a.page.(Problem)
	if !isProblem || problem.Kind == WentWrong && problem.Detail == "" {
		return a, nil
	}
	p.Problem = problem.Detail
	return answer{page: p, status: a.status}, nil
}

// repeated answers a form that had made its key already.
func (v *visit) repeated(id string) (answer, error) {
	p := RepeatedForm{ID: id}
	if r := v.rowOf(id); r != nil {
		p.Name, p.Masked = r.Name, r.Masked
	}
	return answer{page: p, status: http.StatusConflict}, nil
}
