package keystore

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// checkNow is the time at which the tests judge lines.
var checkNow = time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC)

func checker(pepper []byte) *lineCheck {
	return &lineCheck{
		hasher: newHasher(pepper), prefixes: []string{"ant_"}, importID: "01ARZ3NDEKTSV4RRFFQ69G5FAZ",
		rights: ImportRights{Makers: true}, by: importer, now: checkNow,
	}
}

const (
	someID    = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	otherID   = "01ARZ3NDEKTSV4RRFFQ69G5FAW"
	anyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

var somePepper = []byte("a pepper for the tests of imports, 32 bytes or more")

// TestBadLines: the exact words for all that can be wrong with a line.
func TestBadLines(t *testing.T) {
	const (
		scope = "must be 1-63 characters of A-Z a-z 0-9 . _ - and begin with a letter or digit"
		rfc   = "must be an RFC 3339 time such as 2026-12-31T08:00:00Z"
		when  = `must be an RFC 3339 time such as 2026-12-31T08:00:00Z, a date, a duration such as 90d, or "never"`
		use   = "cannot be used: a key is found by the SHA-256 of its text, as sha256: and 64 hexadecimal digits, and no other digest can be turned into that; import the key itself, or issue a new one"
		link  = "is not the id of another key"
	)
	for _, c := range []struct {
		spoil func(*ImportLine)
		want  string
	}{
		{func(l *ImportLine) { l.Key = Secret{} }, "key: must be given, or a digest of it"},
		{func(l *ImportLine) { l.Key = NewSecret("") }, "key: must be given, or a digest of it"},
		{func(l *ImportLine) { l.Digest = "sha256:" + anyDigest }, "digest: must not be given beside the key itself"},
		{func(l *ImportLine) { l.PepperID = "x" }, "digest: must not be given beside the key itself"},
		{func(l *ImportLine) { l.Key = NewSecret("sk-live-0123456") }, "key: is shorter than 16 characters: whoever tries could guess it; issue a new one instead"},
		{func(l *ImportLine) { l.Key = NewSecret(strings.Repeat("abcd", 10)) }, "key: has fewer than 5 different characters: whoever tries could guess it; issue a new one instead"},
		{func(l *ImportLine) { l.Key = NewSecret(strings.Repeat("abcdefgh", 64) + "i") }, "key: is longer than 512 bytes"},
		{func(l *ImportLine) { l.Key = NewSecret("sk-live 0123456789abcdef") }, "key: " + bearerWords},
		{func(l *ImportLine) { l.Key = NewSecret("sk-live-0123456789äöü") }, "key: " + bearerWords},
		{func(l *ImportLine) { l.Key = NewSecret("sk=live-0123456789abcdef") }, "key: " + bearerWords},
		{func(l *ImportLine) { l.Key = NewSecret(strings.Repeat("=", 20)) }, "key: " + bearerWords},
		{func(l *ImportLine) { l.Last4 = "zzzz" }, "last4: is not what the key ends with"},
		{func(l *ImportLine) { l.Prefix = "sk_" }, "prefix: must be 1-12 characters of a-z 0-9 and an underscore, with which the key begins and 16 or more follow"},
		{func(l *ImportLine) { l.Key, l.Prefix = NewSecret("sk_0123456789abcde"), "sk_" }, "prefix: must be 1-12 characters of a-z 0-9 and an underscore, with which the key begins and 16 or more follow"},
		{func(l *ImportLine) { l.Name = "the key " + l.Key.Reveal() }, "key: stands in another field too, which would be kept in clear"},
		{func(l *ImportLine) { l.Labels = map[string]string{"a": l.Key.Reveal()} }, "key: stands in another field too, which would be kept in clear"},
		{func(l *ImportLine) { l.Labels = map[string]string{l.Key.Reveal(): ""} }, "key: stands in another field too, which would be kept in clear"},

		{digestOnly(anyDigest), "digest: does not say how it was made; write sha256: in front of it if it is the SHA-256 of the key's text"},
		{digestOnly("sha256:" + anyDigest[1:]), "digest: must have 64 hexadecimal digits"},
		{digestOnly("sha256:x" + anyDigest[1:]), "digest: must have 64 hexadecimal digits"},
		{digestOnly("sha256:" + anyDigest + "0"), "digest: must have 64 hexadecimal digits"},
		{digestOnly("SHA256:" + anyDigest), "digest: of this kind " + use},
		{digestOnly("x"), "digest: of this kind " + use},
		{digestOnly("$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"), "digest: made by bcrypt " + use},
		{digestOnly("bcrypt:$2b$12$R9h"), "digest: made by bcrypt " + use},
		{digestOnly("$argon2id$v=19$m=65536"), "digest: made by argon2 " + use},
		{digestOnly("pbkdf2_sha256$600000$"), "digest: made by pbkdf2 " + use},
		{digestOnly("md5:d41d8cd98f00b204e9800998ecf8427e"), "digest: made by MD5 " + use},
		{digestOnly("sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709"), "digest: made by SHA-1 " + use},
		{digestOnly("sha512:00"), "digest: made by SHA-512 " + use},
		{digestOnly("$6$salt$00"), "digest: made by sha512crypt " + use},
		{digestOnly("hmac-sha256:" + anyDigest), "digest: was made with a pepper, and this store has none: only a store with the same pepper can find the key"},
		{func(l *ImportLine) { digestOnly("sha256:" + anyDigest)(l); l.PepperID = "x" }, "pepper_id: belongs to a digest of hmac-sha256: alone"},
		{func(l *ImportLine) { digestOnly("sha256:" + anyDigest)(l); l.Last4 = "12345" }, "last4: must be the last 4 characters of the key"},
		{func(l *ImportLine) { digestOnly("sha256:" + anyDigest)(l); l.Last4 = "12 4" }, "last4: must be the last 4 characters of the key"},
		{func(l *ImportLine) { digestOnly("sha256:" + anyDigest)(l); l.Prefix = "SK_" }, "prefix: must be 1-12 characters of a-z 0-9 and an underscore"},

		{func(l *ImportLine) { l.ID = "x" }, "id: is not an id: 26 upper-case characters, as keygate prints them"},
		{func(l *ImportLine) { l.ID = strings.ToLower(someID) }, "id: is not an id: 26 upper-case characters, as keygate prints them"},
		{func(l *ImportLine) { l.ID = zeroID }, "id: is not an id: 26 upper-case characters, as keygate prints them"},
		{func(l *ImportLine) { l.ID = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ" }, "id: is of the future, by the time in it"},
		{func(l *ImportLine) { l.Name = " " }, "name: must not be empty"},
		{func(l *ImportLine) { l.Name = strings.Repeat("n", MaxName+1) }, "name: must have at most 100 characters"},
		{func(l *ImportLine) { l.Name = "a\tb" }, "name: must hold printable characters only"},
		{func(l *ImportLine) { l.Permission = "" }, "permission: must be read, write or full"},
		{func(l *ImportLine) { l.Permission = "admin" }, "permission: must be read, write or full"},
		{func(l *ImportLine) { l.Permission = "operator" }, "permission: must be read, write or full"},
		{func(l *ImportLine) { l.Account = "a b" }, "account: " + scope},
		{func(l *ImportLine) { l.Workspace = "-" }, "workspace: " + scope},
		{func(l *ImportLine) { l.Labels = map[string]string{"a b": "1"} }, "labels: a name must be 1-63 characters of A-Z a-z 0-9 . _ / - that begin with a letter or digit"},
		{func(l *ImportLine) { l.Labels = map[string]string{"a": strings.Repeat("x", MaxLabelValue+1)} }, "labels: must have at most 100 characters"},
		{func(l *ImportLine) { l.Labels = manyLabels(MaxLabels + 1) }, "labels: must be 16 at most"},

		{func(l *ImportLine) { l.CreatedAt = "2026-03-04" }, "created_at: " + rfc},
		{func(l *ImportLine) { l.CreatedAt = "2026-03-04T05:06:07.009Z" }, "created_at: is in the future"},
		{func(l *ImportLine) { l.CreatedAt = "1969-12-31T23:59:59Z" }, "created_at: is before 1970"},
		{func(l *ImportLine) { l.RevokedAt = "never" }, "revoked_at: " + rfc},
		{func(l *ImportLine) { l.RevokedAt = "2027-01-01T00:00:00Z" }, "revoked_at: is in the future"},
		{func(l *ImportLine) { l.ExpiresAt = "soon" }, "expires_at: " + when},
		{func(l *ImportLine) { l.ExpiresAt = "-1h" }, "expires_at: " + when},
		{func(l *ImportLine) { l.ExpiresAt = "0" }, "expires_at: is too soon; the shortest lifetime is 1s"},
		{func(l *ImportLine) { l.ExpiresAt = "999ms" }, "expires_at: is too soon; the shortest lifetime is 1s"},
		{func(l *ImportLine) { l.ExpiresAt = "36526d" }, "expires_at: is more than 100 years away"},
		{func(l *ImportLine) { l.ExpiresAt = "2200-01-01" }, "expires_at: is more than 100 years away"},
		{func(l *ImportLine) { l.ExpiresAt = "1960-01-01" }, "expires_at: is before 1970"},

		{func(l *ImportLine) { l.Replaces = "x" }, "replaces: " + link},
		{func(l *ImportLine) { l.Replaces = zeroID }, "replaces: " + link},
		{func(l *ImportLine) { l.ID, l.Replaces = someID, someID }, "replaces: " + link},
		{func(l *ImportLine) { l.ReplacedBy = "x" }, "replaced_by: " + link},
		{func(l *ImportLine) { l.ReplacedBy = someID }, "expires_at: must be given for a key that was replaced"},
		{func(l *ImportLine) { l.RetireUnused = "1h" }, "retire_when_unused: means nothing for a key that was not replaced"},
		{func(l *ImportLine) { l.RetireUnused = "59s" }, "retire_when_unused: must be a duration between 1m and 30d"},
		{func(l *ImportLine) { l.RetireUnused = "31d" }, "retire_when_unused: must be a duration between 1m and 30d"},
		{func(l *ImportLine) { l.RetireUnused = "soon" }, "retire_when_unused: must be a duration between 1m and 30d"},
		{func(l *ImportLine) { l.CreatedBy = "a\nb" }, "created_by: must hold printable characters only"},
		{func(l *ImportLine) { l.CreatedBy = strings.Repeat("x", MaxWho+1) }, "created_by: must have at most 200 characters"},
	} {
		l := foreign(7)
		c.spoil(&l)
		mustBeBad(t, checker(nil), l, "line 7: "+c.want)
	}
}

const bearerWords = "holds a character that a Bearer header cannot carry: it can A-Z a-z 0-9 - . _ ~ + / and = at the end"

func digestOnly(digest string) func(*ImportLine) {
	return func(l *ImportLine) { l.Key, l.Digest = Secret{}, digest }
}

func manyLabels(count int) map[string]string {
	labels := map[string]string{}
	for n := range count {
		labels[fmt.Sprint("l", n)] = ""
	}
	return labels
}

func mustBeBad(t *testing.T, c *lineCheck, l ImportLine, want string) {
	t.Helper()
	a, err := c.check(&l)
	if err == nil || a != nil {
		t.Errorf("%q passes: %+v", want, a)
		return
	}
	bad := badLine(l.Number, err)
	if bad.Error() != want {
		t.Errorf("got  %s\nwant %s", bad.Error(), want)
	}
}

// TestRightsOfAnImport: what depends on the caller.
func TestRightsOfAnImport(t *testing.T) {
	c := checker(nil)
	c.rights = ImportRights{}
	l := foreign(7)
	l.CreatedBy = "uid:0"
	mustBeBad(t, c, l, "line 7: created_by: can be given over the server's socket alone; without it, whoever imports has made the key")
	l.CreatedBy, l.ID = "", someID
	if a, err := c.check(&l); err != nil || a.rec.CreatedBy != importer.Actor {
		t.Errorf("%+v, %v", a, err)
	}
	c.rights.Operator = true
	l.Permission = "x"
	mustBeBad(t, c, l, "line 7: permission: must be read, write, full or operator")
	l.Permission = "operator"
	if a, err := c.check(&l); err != nil || a.rec.Account != "" || a.rec.Workspace != "" || a.rec.Permission != Operator {
		t.Errorf("%+v, %v", a, err)
	}
	l.Workspace = "w"
	mustBeBad(t, c, l, "line 7: account: must be given with a workspace: a workspace belongs to an account")
}

// TestScopeOfAnImport: a caller who may not is told line by line, in words of
// its own or in none.
func TestScopeOfAnImport(t *testing.T) {
	s := openNew(t)
	id := mustBegin(t, s)
	lines := foreigners(1, 3)
	lines[0].Account, lines[1].Account = "acme", "acme"
	lines[1].Workspace = "docs"
	rights := ImportRights{May: func(rec *Record) error {
		switch {
		case rec.Account != "acme":
			return fmt.Errorf("not yours: %s", rec.Name)
		case rec.Workspace != "docs":
			return &InvalidError{Field: "workspace", Problem: "is not yours"}
		}
		return nil
	}}
	bad, err := s.AddToImport(id, lines, rights, importer)
	if diff := cmp.Diff([]BadLine{{1, "workspace", "is not yours"}, {3, "", "is refused"}}, bad); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestGoodLines: what becomes of a line.
func TestGoodLines(t *testing.T) {
	key := mustMint(t, "ant_")
	elsewhere := mustMint(t, "acme_")
	wrongSum := key[:len(key)-1] + map[bool]string{true: "0", false: "1"}[key[len(key)-1] != '0']
	sum := sha256.Sum256([]byte(key))
	base := Record{
		Name: "n", Permission: Read, Account: "default", Workspace: "default", CreatedAt: checkNow, CreatedBy: importer.Actor,
		Import: "01ARZ3NDEKTSV4RRFFQ69G5FAZ", Last4: key[len(key)-4:], Prefix: "ant_",
	}
	for name, c := range map[string]struct {
		line ImportLine
		want func(*Record)
	}{
		"minted":             {ImportLine{Key: NewSecret(key)}, func(r *Record) {}},
		"digest":             {ImportLine{Digest: fmt.Sprintf("sha256:%x", sum)}, func(r *Record) { r.Last4, r.Prefix = "", "" }},
		"digest in capitals": {ImportLine{Digest: fmt.Sprintf("sha256:%X", sum), Prefix: "ant_", Last4: key[len(key)-4:]}, func(r *Record) {}},
		"minted elsewhere":   {ImportLine{Key: NewSecret(elsewhere)}, func(r *Record) { r.Prefix, r.Last4 = "acme_", elsewhere[len(elsewhere)-4:] }},
		"wrong checksum":     {ImportLine{Key: NewSecret(wrongSum)}, func(r *Record) { r.Last4 = wrongSum[len(wrongSum)-4:] }},
		"no prefix for sure": {ImportLine{Key: NewSecret("x7k2m9q4w1z_0123456789abcdef")}, func(r *Record) { r.Prefix, r.Last4 = "", "cdef" }},
		"named prefix":       {ImportLine{Key: NewSecret("sk_0123456789abcdef"), Prefix: "sk_", Last4: "cdef"}, func(r *Record) { r.Prefix, r.Last4 = "sk_", "cdef" }},
		"known, but short":   {ImportLine{Key: NewSecret("ant_0123456789abcde")}, func(r *Record) { r.Prefix, r.Last4 = "", "bcde" }},
		"all characters":     {ImportLine{Key: NewSecret("AZaz09-._~+/AZaz==")}, func(r *Record) { r.Prefix, r.Last4 = "", "az==" }},
		"longest":            {ImportLine{Key: NewSecret(strings.Repeat("abcdefgh", 64))}, func(r *Record) { r.Prefix, r.Last4 = "", "efgh" }},
		"expired": {ImportLine{Key: NewSecret(key), ExpiresAt: "2020-01-02T03:04:05.678901+01:00"}, func(r *Record) {
			r.ExpiresAt = time.Date(2020, 1, 2, 2, 4, 5, 678e6, time.UTC)
		}},
		"date":     {ImportLine{Key: NewSecret(key), ExpiresAt: "2020-01-02"}, func(r *Record) { r.ExpiresAt = time.Date(2020, 1, 3, 0, 0, 0, 0, time.UTC) }},
		"duration": {ImportLine{Key: NewSecret(key), ExpiresAt: "90d"}, func(r *Record) { r.ExpiresAt = checkNow.Add(90 * day) }},
		"never":    {ImportLine{Key: NewSecret(key), ExpiresAt: "never"}, func(r *Record) {}},
		"revoked": {ImportLine{Key: NewSecret(key), CreatedAt: "2020-01-02T03:04:05Z", RevokedAt: "2020-01-02T03:04:06Z", Disabled: true}, func(r *Record) {
			r.CreatedAt, r.RevokedAt, r.Disabled = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2020, 1, 2, 3, 4, 6, 0, time.UTC), true
		}},
		"just now": {ImportLine{Key: NewSecret(key), CreatedAt: "2026-03-04T05:06:07.008Z"}, func(r *Record) {}},
		"placed": {ImportLine{Key: NewSecret(key), Account: "acme", Workspace: "docs", Labels: map[string]string{"a": "1"}}, func(r *Record) {
			r.Account, r.Workspace, r.Labels = "acme", "docs", map[string]string{"a": "1"}
		}},
		"whole": {ImportLine{Key: NewSecret(key), ID: someID, ReplacedBy: otherID, ExpiresAt: "1d", RetireUnused: "1h30m", CreatedBy: "key:" + otherID}, func(r *Record) {
			r.ID, r.ReplacedBy, r.ExpiresAt, r.RetireUnused, r.CreatedBy = someID, otherID, checkNow.Add(day), 90*time.Minute, "key:"+otherID
		}},
		"of old versions": {ImportLine{Key: NewSecret(key), ID: someID}, func(r *Record) { r.ID, r.CreatedBy = someID, "" }},
	} {
		want := base
		c.want(&want)
		c.line.Name, c.line.Permission = " n ", "read"
		a, err := checker(nil).check(&c.line)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(&want, a.rec); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if text := c.line.Key.Reveal(); text != "" && a.digest != newHasher(nil).digest(text) {
			t.Errorf("%s: the digest is another", name)
		}
	}
}

// TestDigestsUnderAPepper: the SHA-256 of a key serves as the key itself does,
// and so does what the store exports.
func TestDigestsUnderAPepper(t *testing.T) {
	c := checker(somePepper)
	text := foreignText(1)
	sum := sha256.Sum256([]byte(text))
	want := c.hasher.digest(text)
	for _, l := range []ImportLine{
		{Key: NewSecret(text)},
		{Digest: fmt.Sprintf("sha256:%x", sum)},
		{Digest: fmt.Sprintf("hmac-sha256:%x", want[:]), PepperID: c.hasher.pepperID()},
	} {
		l.Name, l.Permission = "n", "read"
		if a, err := c.check(&l); err != nil || a.digest != want {
			t.Errorf("%+v: %v", l, err)
		}
	}
	l := ImportLine{Number: 7, Digest: "hmac-sha256:" + anyDigest, Name: "n", Permission: "read"}
	const other = "line 7: pepper_id: is not that of this store: only a store with the same pepper can find the key"
	mustBeBad(t, c, l, other)
	l.PepperID = newHasher(append(somePepper, 'x')).pepperID()
	mustBeBad(t, c, l, other)
	l.PepperID, l.Digest = c.hasher.pepperID(), "hmac-sha256:"+anyDigest[2:]
	mustBeBad(t, c, l, "line 7: digest: must have 64 hexadecimal digits")
}

// TestNoBadLineShowsAValue: a key in a wrong column, of whatever form, shows in
// no problem, be it of the reading or of the judging.
func TestNoBadLineShowsAValue(t *testing.T) {
	for _, canary := range []string{"sk-live-0123456789abcdef", "c4n4ry", "Canary!", mustMint(t, "ant_"), "canary_of_lower_case"} {
		for _, field := range ImportFields() {
			if field == importDisabled {
				continue
			}
			l := ImportLine{Number: 1, Name: "n", Permission: "read", Key: NewSecret(foreignText(1))}
			if field == "digest" {
				l.Key = Secret{}
			}
			if field == importLabels {
				l.Labels = map[string]string{canary: canary}
			}
			l.setText(field, canary)
			mustHide(t, canary, l)
			mustHideJSON(t, canary, fmt.Sprintf(`{%q: [1, %q]}`, field, canary))
		}
		for _, line := range []string{`{%q: "x"}`, `{%q: 1, %[1]q: 2}`, `{%q: null}`, `%s`, `{"name": %s}`, `{"labels": {%q: 1}}`, `{"labels": {%q: "", %[1]q: ""}}`, `{"labels": %q}`, `{"disabled": %q}`} {
			mustHideJSON(t, canary, fmt.Sprintf(line, canary))
		}
		for _, file := range []string{"%s,name\n", "%s\n", "name,name,%s\n", "key,name\n%s\n", "key,name\n\"%s\n", "key,name\na\"%s,\n", "disabled\n%s\n", "labels\n%s\n", "labels\na=%s,a=\n", "%s;name\n"} {
			lines, err := readCSV(fmt.Sprintf(file, canary))
			if err == nil {
				t.Errorf("%q passes: %v", file, lines)
			} else if strings.Contains(err.Error(), canary) {
				t.Error(err)
			}
		}
	}
}

func mustHide(t *testing.T, canary string, l ImportLine) {
	t.Helper()
	for _, pepper := range [][]byte{nil, somePepper} {
		if _, err := checker(pepper).check(&l); err != nil && strings.Contains(badLineText(err), canary) {
			t.Error(err)
		}
	}
}

func badLineText(err error) string { bad := badLine(1, err); return bad.Error() }

func mustHideJSON(t *testing.T, canary, line string) {
	t.Helper()
	if l, err := ParseImportLine(1, []byte(line)); err == nil {
		t.Errorf("%s passes: %+v", line, l)
	} else if strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
}
