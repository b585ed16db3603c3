package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"path"
	"strings"
)

//go:embed pages/*.html
var pageFiles embed.FS

// Page is the contents of one page. The types of this package that have this
// method are all the pages that there are.
type Page interface {
	// page is the name of the template in pages/.
	page() string
}

// Pages are the parsed templates. They are safe for concurrent use.
type Pages struct {
	assets *Assets
	byName map[string]*template.Template
}

// shared are the templates that all pages may use: the frame, and parts.
var shared = []string{"pages/layout.html", "pages/parts.html", "pages/icons.html", "pages/fields.html", "pages/chart.html"}

// NewPages parses the templates, which link to the style sheet and the script
// of assets. They are built into the program: an error is a fault of ours.
func NewPages(assets *Assets) (*Pages, error) {
	base, err := template.New("").Option("missingkey=error").Funcs(words).ParseFS(pageFiles, shared...)
	if err != nil {
		return nil, fmt.Errorf("parse the shared pages: %w", err)
	}
	p := &Pages{assets: assets, byName: map[string]*template.Template{}}
	for _, page := range all {
		if err := p.parse(base, page.page()); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// parse adds the page called name, which has a set of templates of its own:
// every page defines "title" and "main".
func (p *Pages) parse(base *template.Template, name string) error {
	set, err := base.Clone()
	if err == nil {
		set, err = set.ParseFS(pageFiles, path.Join("pages", name+".html"))
	}
	if err != nil {
		return fmt.Errorf("parse page %s: %w", name, err)
	}
	p.byName[name] = set
	return nil
}

// all has one value of each page.
var all = []Page{
	SignIn{}, LinkSignIn{}, SignedOut{}, KeyList{}, CreateKey{}, ShownKey{}, RepeatedForm{}, KeyPage{},
	RotateKey{}, RevokeKey{}, UsagePage{}, AuditPage{}, Problem{},
}

// view is what the templates see.
type view struct {
	Frame
	Page   Page
	Assets *Assets
}

// Render makes the bytes of a page. On an error nothing of it may be sent.
func (p *Pages) Render(frame Frame, page Page) ([]byte, error) {
	set, known := p.byName[page.page()]
	if !known {
		return nil, fmt.Errorf("render: no page %q", page.page())
	}
	var b bytes.Buffer
	if err := set.ExecuteTemplate(&b, "layout", view{frame, page, p.assets}); err != nil {
		return nil, fmt.Errorf("render page %s: %w", page.page(), err)
	}
	return b.Bytes(), nil
}

// words are the functions of the templates.
var words = template.FuncMap{
	"permission": PermissionLabel,
	"may":        func(name string) string { return wordsOf(name).may },
	"status":     statusWords,
	"plural":     plural,
	"scope":      scopeOf,
	"described":  described,
}

// plural is "1 key" or "2 keys".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// described is the value of aria-describedby for what has this name, or "".
func described(name, hint, problem string) string {
	var ids []string
	if hint != "" {
		ids = append(ids, "hint-"+name)
	}
	if problem != "" {
		ids = append(ids, "error-"+name)
	}
	return strings.Join(ids, " ")
}

// scopeOf is the account and the workspace in one line; what is empty stands
// for all of them, as in the scope of an operator key.
func scopeOf(account, workspace string) string {
	switch {
	case account == "":
		return "all accounts"
	case workspace == "":
		return account + " / all workspaces"
	}
	return account + " / " + workspace
}
