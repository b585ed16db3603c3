package admin

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/antinium/keygate/keystore"
)

// elsewhere is the text of a key from elsewhere.
func elsewhere(n int) string { return fmt.Sprintf("elsewhere-%06d-key", n) }

// importLine is a good line for it.
func importLine(n int, more string) string {
	return fmt.Sprintf(`{"key":%q,"name":"key %d","permission":"read"%s}`, elsewhere(n), n, more)
}

func mustImport(t *testing.T, c *Client, lines iter.Seq2[ImportText, error], dryRun bool) Imported {
	t.Helper()
	done, err := c.Import(t.Context(), lines, dryRun, nil)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// mustHold checks how many keys the store has.
func (w *world) mustHold(t *testing.T, want int) {
	t.Helper()
	got := 0
	for _, err := range w.List(t.Context(), ListFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		got++
	}
	if got != want {
		t.Errorf("%d keys, want %d", got, want)
	}
}

func TestImport(t *testing.T) {
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(elsewhere(2))))
	for name, lines := range map[string]func() iter.Seq2[ImportText, error]{
		"json": func() iter.Seq2[ImportText, error] {
			return JSONLines(strings.NewReader("\ufeff" + importLine(1, "") + "\r\n\n" + `{"digest":"` + digest + `","name":"b","permission":"read"}`))
		},
		"csv": func() iter.Seq2[ImportText, error] {
			return CSVLines(strings.NewReader("name,key,digest,permission\na," + elsewhere(1) + ",,read\n\nb,," + digest + ",read\n"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if done := mustImport(t, w.Client, lines(), true); !cmp.Equal(done, Imported{Count: 2, Lines: 2}) {
				t.Errorf("a dry run: %+v", done)
			}
			w.mustHold(t, 0)
			sent := 0
			done, err := w.Import(t.Context(), lines(), false, func(lines int) { sent = lines })
			if err != nil || !cmp.Equal(done, Imported{Count: 2, Lines: 2}) || sent != 2 {
				t.Errorf("%+v, %v, progress to %d", done, err, sent)
			}
			for n := range 2 {
				if r, err := w.store.Lookup(elsewhere(n + 1)); err != nil || r.Permission != keystore.Read {
					t.Errorf("key %d: %+v, %v", n+1, r, err)
				}
			}
		})
	}
}

// TestBadLinesHaveTheirNumbers: each bad line is told of by its number in the file,
// whoever found it, and none of the good ones is imported.
func TestBadLinesHaveTheirNumbers(t *testing.T) {
	w := newWorld(t)
	file := strings.Join([]string{
		importLine(1, ""), "", "{", importLine(2, ""), importLine(1, ""), strings.Repeat("x", keystore.MaxImportLine+1), importLine(3, `,"colour":"red"`),
	}, "\n")
	done := mustImport(t, w.Client, JSONLines(strings.NewReader(file)), false)
	want := Imported{Lines: 6, BadLines: 4, Bad: []ImportBad{
		{3, "is not a JSON object"},
		{5, "key: stands in an earlier line too"},
		{6, "is longer than 65536 bytes"},
		{7, "colour: is no field of an import; there are " + strings.Join(keystore.ImportFields(), ", ")},
	}}
	if diff := cmp.Diff(want, done); diff != "" {
		t.Error(diff)
	}
	csv := "name,key,permission\n\"two\nlines\"," + elsewhere(1) + ",read\nshort\nname," + elsewhere(2) + ",admin\n"
	done = mustImport(t, w.Client, CSVLines(strings.NewReader(csv)), false)
	var numbers []int
	for _, bad := range done.Bad {
		numbers = append(numbers, bad.Line)
	}
	if done.Lines != 3 || !cmp.Equal(numbers, []int{2, 4, 5}) {
		t.Errorf("%+v", done)
	}
	done = mustImport(t, w.Client, CSVLines(strings.NewReader("colour\nred\n")), false)
	if done.BadLines != 1 || done.Bad[0].Line != 1 {
		t.Errorf("a bad first row: %+v", done)
	}
	w.mustHold(t, 0)
}

func TestImportOverManyCalls(t *testing.T) {
	const n = 4007
	var labels []string
	for i := range keystore.MaxLabels { // a long line
		labels = append(labels, fmt.Sprintf(`"l%d":%q`, i, strings.Repeat("x", keystore.MaxLabelValue)))
	}
	w := newWorld(t)
	file := func(more string) io.Reader {
		var b strings.Builder
		for i := range n {
			fmt.Fprintln(&b, importLine(i, `,"labels":{`+strings.Join(labels, ",")+`}`))
			if i%1000 == 0 {
				b.WriteString(strings.Repeat("\n", 1+i)) // now and then more than a gap
			}
		}
		return strings.NewReader(b.String() + more)
	}
	calls := 0
	done, err := w.Import(t.Context(), JSONLines(file("")), false, func(int) { calls++ })
	if err != nil || done.Count != n || calls < 2 {
		t.Fatalf("%+v, %v, in %d calls", done, err, calls)
	}
	again := mustImport(t, w.Client, JSONLines(file("{}\n")), false)
	if again.BadLines != n+1 || len(again.Bad) != maxBadLines || again.Lines != n+1 {
		t.Fatalf("again: %d of %d are bad, %d told of", again.BadLines, again.Lines, len(again.Bad))
	}
	line := 1 // of key i
	for i, bad := range again.Bad {
		if want := (ImportBad{line, "key: is in the store already; a key can be there once, in whatever state"}); bad != want {
			t.Fatalf("bad line %d is %+v, want %+v", i, bad, want)
		}
		if line++; i%1000 == 0 {
			line += 1 + i
		}
	}
	w.mustHold(t, n)
}

func TestPartsOfABody(t *testing.T) {
	body := strings.Repeat("x\n\n", 2*importPart) + "last"
	number, parts := 5, 0
	for part := range importParts([]byte(body), number) {
		parts++
		for _, line := range part {
			if line.number != number || len(part) > importPart {
				t.Fatalf("line %d is said to be %d, in a part of %d", number, line.number, len(part))
			}
			number += 2
		}
	}
	if number != 5+2*(2*importPart+1) || parts != 3 {
		t.Errorf("ended at line %d, after %d parts", number, parts)
	}
}

// TestLineThatCannotBeReadSpoilsTheImport is about a caller that does not look at
// the answer.
func TestLineThatCannotBeReadSpoilsTheImport(t *testing.T) {
	w := newWorld(t)
	begun := w.ask(t, "POST", "/v1/imports", "")
	if begun.status != 201 {
		t.Fatalf("%d %s", begun.status, begun.body)
	}
	path := "/v1/imports/" + field(t, begun, "id")
	w.ask(t, "POST", path+"/lines?first_line=41", importLine(1, "")+"\n\n"+elsewhere(2)).
		mustBe(t, 200, `{"success":true,"data":{"lines":2,"bad_lines":1,"bad":[{"line":43,"problem":"is not a JSON object"}]}}`+"\n")
	w.ask(t, "POST", path+"/finish", "").
		mustBe(t, 409, refused("CONFLICT", "import: 1 of 2 lines are bad; nothing of it is imported unless all are good"))
	w.ask(t, "DELETE", path, "").mustBe(t, 200, `{"success":true,"data":{"id":"`+field(t, begun, "id")+`"}}`+"\n")
	gone := refused("NOT_FOUND", keystore.ErrNoImport.Error())
	w.ask(t, "DELETE", path, "").mustBe(t, 404, gone)
	w.ask(t, "POST", path+"/finish", "").mustBe(t, 404, gone)
	w.ask(t, "POST", path+"/lines", importLine(1, "")).mustBe(t, 404, gone)
	w.mustHold(t, 0)
}

func TestImportBodies(t *testing.T) {
	w := newWorld(t)
	path := "/v1/imports/" + field(t, w.ask(t, "POST", "/v1/imports", `{"dry_run":true}`), "id") + "/lines"
	w.ask(t, "POST", path, "{}", "Content-Type", "application/json").
		mustBe(t, 400, refused("BAD_REQUEST", "body: send it with content-type: application/x-ndjson"))
	w.ask(t, "POST", path+"?first_line=0", "{}").mustBe(t, 400, refused("BAD_REQUEST", "first_line: expected number >= 1"))
	w.ask(t, "POST", path, strings.Repeat("\n", int(lineBody.limit))+"\n").
		mustBe(t, 413, refused("PAYLOAD_TOO_LARGE", "the body is larger than 8388608 bytes"))
	w.ask(t, "POST", path, strings.Repeat("\n", int(lineBody.limit)), "Content-Type", "application/x-ndjson").
		mustBe(t, 200, `{"success":true,"data":{"lines":0,"bad_lines":0,"bad":[]}}`+"\n")
	r := w.ask(t, "POST", path, strings.Repeat("x\n", 100_000))
	if r.status != 200 || !strings.Contains(r.body, `"lines":100000,"bad_lines":100000,`) || strings.Count(r.body, "problem") != maxBadLines {
		t.Errorf("%d %.200s with %d problems", r.status, r.body, strings.Count(r.body, "problem"))
	}
}

// TestImportThatIsGivenUp leaves nothing, and no room taken.
func TestImportThatIsGivenUp(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	broken := errors.New("the disk is gone")
	for name, row := range map[string]struct {
		rest error
		want error
	}{
		"the file breaks":  {broken, broken},
		"the caller stops": {nil, context.Canceled},
	} {
		_, err := w.Import(ctx, func(yield func(ImportText, error) bool) {
			for n := range 40_000 {
				if !yield(ImportText{n + 1, []byte(importLine(n, `,"labels":{"p":"`+strings.Repeat("x", 90)+`"}`))}, nil) {
					return
				}
			}
			if row.rest == nil {
				cancel()
			}
			yield(ImportText{}, row.rest)
		}, false, nil)
		if !errors.Is(err, row.want) {
			t.Errorf("%s: %v", name, err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		if done := mustImport(t, w.Client, JSONLines(strings.NewReader(importLine(1, ""))), true); done.Count != 1 {
			t.Errorf("%s: then %+v", name, done)
		}
	}
	cancel()
	w.mustHold(t, 0)
}

// TestWhoMayImportWhat: lines are held to the caller's scope, and what only the
// owner may say is refused.
func TestWhoMayImportWhat(t *testing.T) {
	w := newWorld(t)
	id, _ := w.mint(t, "read", "acme/prod")
	const (
		elsewhere = "account: this key imports into "
		operator  = "permission: must be read, write or full"
		noID      = "id: can be given by an operator key of every account only; without it a new one is made"
		maker     = "created_by: can be given over the server's socket alone; without it, whoever imports has made the key"
	)
	callers := map[string]*Client{
		"owner": w.Client, "every": w.operator(t, ""), "acme": w.operator(t, "acme"), "prod": w.operator(t, "acme/prod"),
	}
	n := 0
	for _, row := range []struct{ more, owner, every, acme, prod string }{
		{`,"account":"acme","workspace":"prod"`, "", "", "", ""},
		{`,"account":"acme","workspace":"test"`, "", "", "", elsewhere + "workspace acme/prod only"},
		{`,"account":"globex","workspace":"prod"`, "", "", elsewhere + "account acme only", elsewhere + "workspace acme/prod only"},
		{``, "", "", elsewhere + "account acme only", elsewhere + "workspace acme/prod only"}, // default/default
		{`,"account":"acme","workspace":"prod","created_by":"key:` + id + `"`, "", maker, maker, maker},
		{`,"account":"acme","workspace":"prod","id":"` + strings.Replace(id, id[20:], "ZZZZZZ", 1) + `"`, "", "", noID, noID},
		{`,"account":"acme","workspace":"prod","id":"` + id + `"`, "id: is that of another key", "id: is that of another key", noID, noID},
	} {
		for who, want := range map[string]string{"owner": row.owner, "every": row.every, "acme": row.acme, "prod": row.prod} {
			n++
			done := mustImport(t, callers[who], JSONLines(strings.NewReader(importLine(n, row.more))), true)
			if want == "" && done.Count != 1 || want != "" && !cmp.Equal(done.Bad, []ImportBad{{1, want}}) {
				t.Errorf("%s with %s: %+v, want %q", who, row.more, done, want)
			}
		}
	}
	line := strings.Replace(importLine(1, `,"account":"acme"`), `"read"`, `"operator"`, 1)
	for who, c := range callers {
		done := mustImport(t, c, JSONLines(strings.NewReader(line)), true)
		if who == "owner" && done.Count != 1 || who != "owner" && !cmp.Equal(done.Bad, []ImportBad{{1, operator}}) {
			t.Errorf("%s with an operator key: %+v", who, done)
		}
	}
}

func TestImportOfAnotherIsUnknown(t *testing.T) {
	w := newWorld(t)
	mine, other := w.operator(t, "acme"), w.operator(t, "")
	id := field(t, ask(t, mine, "POST", "/v1/imports", ""), "id")
	for _, c := range []*Client{other, w.Client} {
		for _, call := range [][2]string{{"POST", "/lines"}, {"POST", "/finish"}, {"DELETE", ""}} {
			foreign := ask(t, c, call[0], "/v1/imports/"+id+call[1], "")
			unknown := ask(t, c, call[0], "/v1/imports/"+unknownID+call[1], "")
			foreign.mustBe(t, unknown.status, unknown.body)
			if call[1] != "/lines" && foreign.status != http.StatusNotFound {
				t.Errorf("%v: %d %s", call, foreign.status, foreign.body)
			}
		}
	}
	if done, err := other.Import(t.Context(), JSONLines(strings.NewReader("")), false, nil); !isStatus(err, 409) {
		t.Errorf("two at a time: %+v, %v", done, err)
	}
}

func TestImportIsLogged(t *testing.T) {
	w := newWorld(t)
	mustImport(t, w.Client, JSONLines(strings.NewReader(importLine(1, ""))), false)
	mustImport(t, w.Client, JSONLines(strings.NewReader("{}")), true)
	_, _ = w.Import(t.Context(), JSONLines(strings.NewReader("")), false, nil)
	var got []string
	for _, line := range w.logged(t) {
		got = append(got, mask(fmt.Sprintf("%s: %q %q %s", line["action"], line["from"], line["to"], line["error"])))
	}
	want := []string{
		`begin-import: "" "import ID" `, `finish-import: "import ID" "1 key" `,
		`begin-import: "" "import ID, a dry run" `, `abort-import: "import ID" "nothing" `,
		`begin-import: "" "import ID" `, `finish-import: "" "" import: has no line`, `abort-import: "import ID" "nothing" `,
	}
	for i := range got {
		for _, word := range strings.Fields(got[i]) {
			if word = strings.Trim(word, `",`); len(word) == 26 {
				got[i] = strings.Replace(got[i], word, "ID", 1)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestExportCanBeImported takes all keys from one store into another.
func TestExportCanBeImported(t *testing.T) {
	from, to := newWorld(t), newWorld(t)
	_, text := from.mint(t, "write", "acme/prod")
	_, operator := from.mint(t, "operator", "acme")
	id, ended := from.mint(t, "read", "acme/prod")
	if _, err := from.Revoke(t.Context(), id, false); err != nil {
		t.Fatal(err)
	}
	var more strings.Builder
	for n := range 2*keystore.MaxPage - 3 {
		fmt.Fprintln(&more, importLine(n, ""))
	}
	mustImport(t, from.Client, JSONLines(strings.NewReader(more.String())), false)
	var file strings.Builder
	for line, err := range from.Export(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&file, "%s\n", line)
	}
	if done := mustImport(t, to.Client, JSONLines(strings.NewReader(file.String())), false); done.Count != 2*keystore.MaxPage {
		t.Fatalf("%+v", done)
	}
	for name, text := range map[string]string{"a key": text, "an operator key": operator, "an ended key": ended} {
		was, err := from.store.Lookup(text)
		is, err2 := to.store.Lookup(text)
		if err != nil || err2 != nil {
			t.Errorf("%s: %v, %v", name, err, err2)
			continue
		}
		before, after := *was, *is
		before.Import, after.Import = "", ""
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestExportLeavesOperatorKeysToTheOwner(t *testing.T) {
	w := newWorld(t)
	c := w.operator(t, "")
	id, _ := w.mint(t, "read", "acme/prod")
	var all strings.Builder
	for line, err := range c.Export(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all.Write(line)
	}
	if strings.Count(all.String(), "digest") != 1 || !strings.Contains(all.String(), id) {
		t.Errorf("exported %s", &all)
	}
	for _, err := range w.operator(t, "acme").Export(t.Context()) {
		if !isStatus(err, 403) {
			t.Errorf("an operator of one account: %v", err)
		}
	}
}

func TestImportTextIsNotPrinted(t *testing.T) {
	text := ImportText{7, []byte(importLine(1, ""))}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, text); got != "line 7" {
			t.Errorf("%s: %s", verb, got)
		}
	}
}
