package console

// SignIn asks for a key. It posts the field "key" to /console/sign-in. What was
// pasted is never shown again, not even when it was wrong.
type SignIn struct {
	Error string
}

func (SignIn) page() string { return "signin" }

// LinkSignIn is where a one-time link leads. Links are redeemed by POST, so that
// what merely opens them (a mail scanner, a preview) does not use them up.
type LinkSignIn struct {
	Token              string // of the link; posted to /console/link
	Account, Workspace string
}

func (LinkSignIn) page() string { return "link" }

// SignedOut says that the session has ended on the server.
type SignedOut struct{}

func (SignedOut) page() string { return "signedout" }

// Problem is a page that says what went wrong and what to do.
type Problem struct {
	Kind      ProblemKind
	Detail    string // one more sentence; "" for none
	RequestID string // for the log; "" for none
	Wait      string // of TooMany: "a minute"
	Back      string // path of the page to open again; "" for the list of keys
}

// ProblemKind is what went wrong.
type ProblemKind string

// The kinds. Each has its words in problem.html.
const (
	NotFound     ProblemKind = "not-found"
	Forbidden    ProblemKind = "forbidden"
	TooMany      ProblemKind = "too-many"
	SessionEnded ProblemKind = "session-ended"
	LinkSpent    ProblemKind = "link-spent"
	FormTooOld   ProblemKind = "form-too-old" // or it came from another site
	Changed      ProblemKind = "changed"      // the key is not as the form believed
	WentWrong    ProblemKind = "went-wrong"
)

func (Problem) page() string { return "problem" }
