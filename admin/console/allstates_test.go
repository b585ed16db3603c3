package console

// allStates are the pages in every state that has a look of its own.
func allStates() []state {
	return append(append(doorStates(), append(listStates(), formStates()...)...), append(keyStates(), figureStates()...)...)
}

func doorStates() []state {
	problems := []state{
		{"sign-in", Frame{}, SignIn{}},
		{"sign-in-refused", Frame{}, SignIn{Error: "This is no key that may manage keys: it is unknown, revoked, expired or not of Full Access."}},
		{"link", Frame{}, LinkSignIn{Token: "b2NlYW4", Account: "northwind", Workspace: "production"}},
		{"signed-out", Frame{}, SignedOut{}},
	}
	for _, kind := range []ProblemKind{NotFound, Forbidden, FormTooOld, Changed, WentWrong} {
		p := Problem{Kind: kind, RequestID: "01M85D58N20XT1KJQV8V0M7JS0"}
		if kind == Changed {
			p.Back = "/console/keys/01M85D58N20XT1KJQV8V0M7JS0"
		}
		problems = append(problems, state{"problem-" + string(kind), frame(""), p})
	}
	return append(problems,
		state{"problem-too-many", Frame{}, Problem{Kind: TooMany, Wait: "40 seconds"}},
		state{"problem-session-ended", Frame{}, Problem{Kind: SessionEnded}},
		state{"problem-link-spent", Frame{}, Problem{Kind: LinkSpent}})
}

func listStates() []state {
	pager := Pager{First: "/console/keys", Next: "/console/keys?after=01M85", Range: "51–57 of 312"}
	everywhere := append([]KeyRow{key("Globex sync", "eR4t", "write", "active").with(elsewhere)}, sampleKeys...)
	return []state{
		{"list", frame("keys"), KeyList{Keys: sampleKeys}},
		{"list-empty", frame("keys"), KeyList{}},
		{"list-no-match", frame("keys"), KeyList{Filter: KeyFilter{Search: "nothing like it", Status: "retiring"}}},
		{"list-filtered", noticed("Key revoked."), KeyList{Keys: sampleKeys[:2], Filter: KeyFilter{Search: "m", Status: "active", Permission: "write"}, Pager: pager}},
		{"list-operator", operatorFrame("keys"), KeyList{Keys: everywhere, AskAccount: true, AskWorkspace: true, Pager: pager}},
		{"list-account-operator", operatorFrame("keys"), KeyList{Keys: everywhere, AskWorkspace: true}},
		{"list-hostile", frame("keys"), KeyList{Keys: hostileKeys, Filter: KeyFilter{Search: `"><script>alert(1)</script>`}}},
	}
}

func formStates() []state {
	expiry := Expiry{Choices: ExpiryChoices(), Choice: "90d", Min: "2025-11-25"}
	wrong := Expiry{Choices: ExpiryChoices(), Choice: "date", Date: "2025-01-01", Min: "2025-11-25", Error: "Choose a date in the future."}
	made := key("Nightly import, production", "WXYZ", "write", "active")
	old := &OldKey{ID: made.ID, Name: made.Name, Masked: "ant_...9fQx", Until: moment("tomorrow, 16:47 UTC", "2025-11-25T16:47:00.000Z"), RetireUnused: "24 hours"}
	same := Expiry{Choices: RotationExpiryChoices("90 days"), Choice: "same", Min: "2025-11-25"}
	return []state{
		{"create", frame("keys"), CreateKey{Once: "0nce", Permission: Field{Value: "read"}, Expiry: expiry}},
		{"create-operator", operatorFrame("keys"), CreateKey{Once: "0nce", Permission: Field{Value: "write"}, Expiry: expiry, AskAccount: true, AskWorkspace: true,
			Account: Field{Value: "default"}, Workspace: Field{Value: "default"}, Labels: Field{Value: "env=production\nteam=data"}}},
		{"create-wrong", operatorFrame("keys"), CreateKey{Once: "0nce", Name: Field{"", "Give it a name."}, Permission: Field{"", "Choose one."}, Expiry: wrong,
			AskAccount: true, AskWorkspace: true, Account: Field{"a b", "May not hold a space."}, Labels: Field{"=x", "Line 1: must look like key=value."}}},
		{"create-failed", frame("keys"), CreateKey{Once: "0nce", Name: Field{Value: markup}, Expiry: expiry, Problem: "The disk is full; nothing was changed; checks go on."}},
		{"shown", frame("keys"), ShownKey{Key: made, Text: sampleText(sampleKey), TryURL: "https://api.antinium.dev/v1/documents"}},
		{"shown-rotated", frame("keys"), ShownKey{Key: made.with(always), Text: sampleText(sampleKey), TryURL: "http://127.0.0.1:10000/v1/documents", Old: old}},
		{"shown-hostile", frame("keys"), ShownKey{Key: hostileKeys[1], Text: sampleText(sampleKey), TryURL: "https://api.antinium.dev/v1/documents", Old: &OldKey{Masked: "ant_...9fQx"}}},
		{"repeated", frame("keys"), RepeatedForm{ID: made.ID, Name: made.Name, Masked: made.Masked}},
		{"repeated-hostile", frame("keys"), RepeatedForm{ID: made.ID, Name: wide, Masked: made.Masked}},
		{"rotate", frame("keys"), RotateKey{Key: made, Once: "0nce", Overlap: "24h", Expiry: same}},
		{"rotate-failed", frame("keys"), RotateKey{Key: hostileKeys[0].with(always), Once: "0nce", Overlap: "0s", Retire: "1h", Problem: "This key was rotated already.",
			Expiry: Expiry{Choices: RotationExpiryChoices("never"), Choice: "date", Min: "2025-11-25"}}},
		{"revoke", frame("keys"), RevokeKey{Key: made}},
		{"revoke-made", frame("keys"), RevokeKey{Key: sampleKeys[2], Own: true, Made: sampleKeys[:3], MadeLive: 41, EndMade: true, Reason: "leaked in a chat"}},
		{"revoke-hostile", operatorFrame("keys"), RevokeKey{Key: hostileKeys[1], Made: hostileKeys[:1], MadeLive: 1, Problem: "The key has changed meanwhile: look at it again."}},
	}
}

var everyAction = KeyActions{Rename: true, Labels: true, Expiry: true, Lower: true, Disable: true, Rotate: true, Revoke: true}

// keyPage is the page of a key that may be changed in every way.
func keyPage(k KeyRow) KeyPage {
	return KeyPage{
		Key: k, Revision: "0123456789abcdef", MadeBy: Maker{Words: "uid:1000"}, May: everyAction,
		Labels: []Label{{"env", "production"}, {"team", "data"}}, LabelsForm: Field{Value: "env=production\nteam=data"}, Rename: Field{Value: k.Name},
		Expiry: Expiry{Choices: ExpiryChoices(), Choice: "date", Date: "2026-01-31", Min: "2025-11-25"},
		Usage:  UsageSummary{Known: true, Allowed: "41,302", Denied: "1,023", Hours: sampleHours()},
	}
}

func keyStates() []state {
	full := keyPage(sampleKeys[2])
	full.Made, full.MadeLive, full.Own = sampleKeys[:3], 12, true
	retiring := keyPage(sampleKeys[3])
	retiring.ReplacedBy, retiring.Replaces = &sampleKeys[0], &sampleKeys[5]
	retiring.OverlapTo, retiring.RetireUnused = moment("tomorrow, 16:47 UTC", "2025-11-25T16:47:00.000Z"), "24 hours"
	retiring.MadeBy, retiring.May.Rotate = Maker{"Terraform", sampleKeys[2].ID}, false
	disabled := keyPage(sampleKeys[4].with(unused))
	disabled.May.Disable, disabled.May.Enable, disabled.May.Lower = false, true, false
	disabled.Usage = UsageSummary{Known: true, Allowed: "0", Denied: "0", Hours: quietHours()}
	revoked := keyPage(sampleKeys[6])
	revoked.May, revoked.Labels, revoked.Revoked = KeyActions{}, nil, moment("20 Nov 2025", "2025-11-20T11:02:00.000Z")
	expired := keyPage(sampleKeys[5])
	expired.May, expired.Usage = KeyActions{Rename: true, Labels: true, Revoke: true}, UsageSummary{}
	hostile := keyPage(hostileKeys[1])
	hostile.Labels = []Label{{"note", markup}, {"w", wide}}
	hostile.Replaces, hostile.MadeBy = &hostileKeys[0], Maker{wideWords, hostileKeys[2].ID}
	wrong := keyPage(hostileKeys[0].with(func(k *KeyRow) { k.Permission = "full" }))
	wrong.Rename, wrong.LowerProblem = Field{wide + wide, "At most 100 characters."}, "Choose one."
	wrong.LabelsForm = Field{"=", "Line 1: must look like key=value."}
	wrong.Expiry.Error = "Choose a date in the future."
	return []state{
		{"key", noticed("Renamed."), keyPage(sampleKeys[0])},
		{"key-full-own", frame("keys"), full},
		{"key-retiring", frame("keys"), retiring},
		{"key-disabled", frame("keys"), disabled},
		{"key-revoked", frame("keys"), revoked},
		{"key-expired", frame("keys"), expired},
		{"key-hostile", operatorFrame("keys"), hostile},
		{"key-wrong", frame("keys"), wrong},
	}
}

func figureStates() []state {
	usage := UsagePage{
		Key: sampleKeys[0], Known: true, LastUsed: moment("4 min ago", "2025-11-24T16:43:10.000Z"), FirstSeen: moment("2 Nov 2025", "2025-11-02T10:00:00.000Z"),
		Peer: "203.0.113.77", Updated: "Figures are at most 5 s old. All times are UTC.", Hours: sampleHours(), Days: sampleDays(),
		Reasons: []Reason{{"allowed", "The request was let through", true, "1,402,117"}, {"insufficient_permission", "The key may not do that", false, "1,020"}, {"disabled", "The key was disabled", false, "3"}},
	}
	quiet := usage
	quiet.Hours, quiet.Key, quiet.Peer = quietHours(), hostileKeys[1], ""
	return []state{
		{"usage", frame("keys"), usage},
		{"usage-quiet", frame("keys"), quiet},
		{"usage-none", frame("keys"), UsagePage{Key: sampleKeys[6]}},
		{"audit", frame("audit"), AuditPage{Entries: sampleEntries, Kept: "400 days", Pager: Pager{Next: "/console/audit?before=12", Range: "5 entries on this page"}}},
		{"audit-of-key", frame("audit"), AuditPage{Entries: sampleEntries[:2], KeyID: sampleKeys[0].ID, KeyName: sampleKeys[0].Name, Kept: "400 days"}},
		{"audit-empty", frame("audit"), AuditPage{}},
		{"audit-no-match", frame("audit"), AuditPage{KeyID: "01M85", Error: "This is no ID of a key."}},
		{"audit-hostile", operatorFrame("audit"), AuditPage{Entries: hostileEntries}},
	}
}

var sampleEntries = []AuditEntry{
	{At: moment("24 Nov 2025, 16:40:02", "2025-11-24T16:40:02.113Z"), Action: "Key renamed", KeyID: sampleKeys[0].ID, KeyName: sampleKeys[0].Name, Masked: "ant_...9fQx",
		Who: Maker{"Terraform", sampleKeys[2].ID}, Address: "203.0.113.77", Changes: []AuditChange{{"name", "import", "Nightly import, production"}}, RequestID: "01M85D58N20XT1KJQV8V0M7JS0"},
	{At: moment("24 Nov 2025, 16:38:41", "2025-11-24T16:38:41.002Z"), Action: "Key created", KeyID: sampleKeys[0].ID, KeyName: sampleKeys[0].Name, Masked: "ant_...9fQx",
		Who: Maker{"uid:1000", ""}, Claimed: "ada", Changes: []AuditChange{{"name", "", "import"}, {"permission", "", "write"}, {"expires_at", "", "2026-02-22T16:38:41.002Z"}}},
	{At: moment("24 Nov 2025, 11:02:00", "2025-11-24T11:02:00.000Z"), Action: "Key revoked", KeyID: sampleKeys[6].ID, KeyName: "Old CI", Masked: "ant_...Wq3T",
		Who: Maker{"uid:0", ""}, Reason: "leaked in a chat", Changes: []AuditChange{{"status", "active", "revoked"}}},
	{At: moment("23 Nov 2025, 08:00:13", "2025-11-23T08:00:13.700Z"), Action: "Expiry changed", KeyID: sampleKeys[1].ID, KeyName: "Mobile app", Masked: "ant_...T2mZ",
		Who: Maker{"Terraform", sampleKeys[2].ID}, Changes: []AuditChange{{"expires_at", "2025-12-30T00:00:00.000Z", ""}}},
	{At: moment("22 Nov 2025, 00:00:00", "2025-11-22T00:00:00.000Z"), Action: "Clock mark reset", Who: Maker{"uid:0", ""}},
}

var hostileEntries = []AuditEntry{
	{At: moment("24 Nov 2025, 16:40:02", "2025-11-24T16:40:02.113Z"), Action: "Key renamed", KeyID: hostileKeys[1].ID, KeyName: wide, Masked: "ant_...bX2c",
		Who: Maker{wideWords, hostileKeys[2].ID}, Address: "2001:db8:85a3:8d3:1319:8a2e:370:7348", Claimed: markup, Reason: wide + wide,
		Changes: []AuditChange{{"name", markup, wide}, {"labels", "", wideWords}}, RequestID: wide},
}
