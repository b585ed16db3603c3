package console

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/antinium/keygate/keystore"
)

// pageSize is how many keys or entries of the audit a page has.
const pageSize = 50

// keyInURL is said where somebody searched for the whole text of a key.
const keyInURL = "That was the text of a key, and it is in your browser’s history now. Treat the key as leaked: rotate or revoke it. To find a key, search for its last 4 characters."

// list is Settings -> API Keys.
func (v *visit) list() (answer, error) {
	query := v.r.URL.Query()
	for _, values := range query {
		if keystore.LooksLikeKey(strings.Join(values, " "), "") {
			return answer{to: listPath, notice: keyInURL}, nil
		}
	}
	p := v.emptyList()
	p.Filter = p.filterFrom(query)
	keys, next, err := v.keys.List(p.Filter.chosen(), query.Get("after"), pageSize)
	var invalid *keystore.InvalidError
	if errors.As(err, &invalid) { // an address that somebody changed
		return answer{to: listPath}, nil
	}
	if err != nil {
		return answer{}, err
	}
	now := v.keys.Now()
	for _, k := range keys {
		p.Keys = append(p.Keys, row(k, now))
	}
	p.Pager = pager(listPath, query, "after", next, fmt.Sprintf("%s on this page", plural(len(keys), "key", "keys")))
	return show(p)
}

// emptyList asks for what the visitor's scope leaves open.
func (v *visit) emptyList() KeyList {
	return KeyList{AskAccount: v.who.Account == "", AskWorkspace: v.who.Workspace == ""}
}

// filterFrom reads a query; what is no choice of the form is left out.
func (p KeyList) filterFrom(query url.Values) KeyFilter {
	f := KeyFilter{
		Search:     strings.TrimSpace(query.Get("q")),
		Status:     oneOf(query.Get("status"), p.Statuses()),
		Permission: oneOf(query.Get("permission"), p.Permissions()),
	}
	if p.AskAccount {
		f.Account = strings.TrimSpace(query.Get("account"))
	}
	if p.AskWorkspace {
		f.Workspace = strings.TrimSpace(query.Get("workspace"))
	}
	return f
}

func oneOf(value string, choices []Choice) string {
	for _, c := range choices {
		if c.Value == value {
			return value
		}
	}
	return ""
}

// chosen is the filter as the store takes it, the newest first.
func (f KeyFilter) chosen() keystore.Filter {
	chosen := keystore.Filter{Account: f.Account, Workspace: f.Workspace, Status: keystore.Status(f.Status), Newest: true}
	if f.Permission != "" {
		chosen.Permission, _ = keystore.ParsePermission(f.Permission) // one of the choices
	}
	if f.Search != "" {
		wanted := strings.ToLower(f.Search)
		chosen.Match = func(r *keystore.Record) bool { return findable(r, wanted) }
	}
	return chosen
}

// findable reports whether a key has what is searched for in its name or in its
// masked text, as console.js has it for the keys of one page.
func findable(r *keystore.Record, lower string) bool {
	return strings.Contains(strings.ToLower(r.Name+" "+r.Prefix+"..."+r.Last4), lower)
}

// pager leads through a list whose address has a cursor.
func pager(path string, query url.Values, cursor, next, words string) (p Pager) {
	if query.Get(cursor) != "" {
		p.First = address(path, query, cursor, "")
	}
	if next != "" {
		p.Next = address(path, query, cursor, next)
	}
	if p.First != "" || p.Next != "" {
		p.Range = words
	}
	return p
}

// address is path with the query, in which the cursor is another.
func address(path string, query url.Values, cursor, value string) string {
	to := url.Values{}
	for name, values := range query {
		if name != cursor && len(values) > 0 && values[0] != "" {
			to.Set(name, values[0])
		}
	}
	if value != "" {
		to.Set(cursor, value)
	}
	if len(to) == 0 {
		return path
	}
	return path + "?" + to.Encode()
}
