package console

import "strings"

// permissionWords is a permission as the product speaks of it.
type permissionWords struct{ name, label, may string }

// permissions are the words of the product contract, from the least to the most.
var permissions = []permissionWords{
	{"read", "Read Only", "Read documents, translations and workspace data. Create, update and delete nothing."},
	{"write", "Read & Write", "Read and modify documents, create translations, manage content. Not workspace settings or members."},
	{"full", "Full Access", "Every endpoint, workspace management included."},
	{"operator", "Operator", "Manages keys through the admin API and this console. The API itself refuses it."},
}

// wordsOf are the words for a permission; one that we do not know shows as it is.
func wordsOf(name string) permissionWords {
	for _, p := range permissions {
		if p.name == name {
			return p
		}
	}
	return permissionWords{name, name, ""}
}

// PermissionLabel is what a permission is called: "Read & Write" for "write".
func PermissionLabel(name string) string { return wordsOf(name).label }

// PermissionChoices are the permissions that a key may be made with here, the
// least first.
func PermissionChoices() []Choice { return permissionChoices("full") }

// LowerPermissions are those below name, the least first: a permission can be
// lowered and never raised.
func LowerPermissions(name string) []Choice {
	choices := permissionChoices(name)
	if len(choices) == 0 {
		return nil
	}
	return choices[:len(choices)-1]
}

// permissionChoices are the levels up to the one called last; none if it is no
// level.
func permissionChoices(last string) (choices []Choice) {
	for _, p := range permissions[:3] {
		choices = append(choices, Choice{Value: p.name, Label: p.label, Hint: p.may})
		if p.name == last {
			return choices
		}
	}
	return nil
}

// statuses are the statuses of keys as the admin API spells them.
var statuses = []Choice{
	{Value: "active", Label: "Active"}, {Value: "retiring", Label: "Retiring"}, {Value: "disabled", Label: "Disabled"},
	{Value: "expired", Label: "Expired"}, {Value: "revoked", Label: "Revoked"},
}

func statusWords(name string) string {
	for _, s := range statuses {
		if s.Value == name {
			return s.Label
		}
	}
	return name
}

// dateChoice is the value of the choice that goes with a date field.
const dateChoice = "date"

// sameChoice leaves the expiry of a rotation to the old key's lifetime.
const sameChoice = "same"

// ExpiryChoices are offered when a key is made and when its expiry is changed.
// Their values are what the command line takes: 30d, 90d, 365d, never; "date"
// means the field beside it.
func ExpiryChoices() []Choice {
	return []Choice{
		{Value: "30d", Label: "30 days"}, {Value: "90d", Label: "90 days"}, {Value: "365d", Label: "1 year"},
		{Value: "never", Label: "Never", Hint: "Only for keys that you will remember to rotate."},
		{Value: dateChoice, Label: "On a date"},
	}
}

// RotationExpiryChoices put the lifetime of the old key first, which is what a
// rotation does unless told otherwise. lifetime is in words, such as "90 days".
func RotationExpiryChoices(lifetime string) []Choice {
	same := Choice{Value: sameChoice, Label: "As before", Hint: "The old key's lifetime, counted from now: " + lifetime + "."}
	if strings.EqualFold(lifetime, "never") || lifetime == "" {
		same.Hint = "The old key never expires, and neither will the new one."
	}
	return append([]Choice{same}, ExpiryChoices()...)
}

// OverlapChoices say how long the old key works beside the new one.
func OverlapChoices() []Choice {
	return []Choice{
		{Value: "0s", Label: "End it now", Hint: "For a key that has leaked."},
		{Value: "1h", Label: "1 hour"},
		{Value: "24h", Label: "24 hours", Hint: "Time to deploy the new key everywhere."},
		{Value: "7d", Label: "7 days"},
		{Value: "30d", Label: "30 days", Hint: "The longest there is."},
	}
}

// RetireChoices say after how long without use an old key ends before its overlap does.
func RetireChoices() []Choice {
	return []Choice{
		{Value: "", Label: "When the overlap ends"},
		{Value: "1h", Label: "Once unused for 1 hour"},
		{Value: "24h", Label: "Once unused for 24 hours"},
		{Value: "7d", Label: "Once unused for 7 days"},
	}
}
