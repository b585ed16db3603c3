package console

// Frame is what is around a page: who is signed in, and what was just done.
type Frame struct {
	// SignedIn is nil on the pages that need no session: they have no menu.
	SignedIn *SignedIn

	// Token is put into the field "csrf" of every form that changes something.
	Token string

	// Notice is shown once at the top, such as "Renamed."; "" for none.
	Notice string
}

// SignedIn is who looks at the page.
type SignedIn struct {
	Name      string // of the key, or in words for a one-time link
	Masked    string // "ant_...WXYZ"; "" for a link
	Account   string // "": all accounts
	Workspace string // "": all workspaces of the account
	Section   string // "keys" or "audit": where in the menu the page belongs
}

// Moment is a time as a page shows it. The zero Moment is no time at all; each
// page says what that means there.
type Moment struct {
	Words string // "3 h ago", "2 Nov 2025"
	Exact string // RFC 3339 in UTC
}

// Choice is one of several that a form offers.
type Choice struct{ Value, Label, Hint string }

// Field is an input as it was filled in, and what is wrong with it.
type Field struct{ Value, Error string }

// input is a Field with its place in a form.
type input struct {
	Field
	Name, Label, Hint string
}

// group is a choice of one of several, with its place in a form.
type group struct {
	Field
	Name, Label, Hint string
	Choices           []Choice
	Date, Min         string // of the date beside the choice "date", if there is one
}

// Pager leads through a long list. Links are paths with their query, "" where
// there is nothing.
type Pager struct {
	First string // to the start of the list; "" on its first page
	Next  string
	Range string // what is shown, such as "1-50 of 312"
}
