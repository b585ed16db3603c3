package keystore

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oklog/ulid/v2"
	"pgregory.net/rapid"
)

func drawID(t *rapid.T, name string) string {
	var id ulid.ULID
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name))
	id[0] |= 1 // never zero
	return id.String()
}

func drawLink(t *rapid.T, name string) string {
	if rapid.Bool().Draw(t, name+"?") {
		return drawID(t, name)
	}
	return ""
}

func drawTime(t *rapid.T, name string, optional bool) time.Time {
	if optional && rapid.Bool().Draw(t, name+" none") {
		return time.Time{}
	}
	return time.UnixMilli(rapid.Int64Range(1, maxTime.UnixMilli()).Draw(t, name)).UTC()
}

func drawRecord(t *rapid.T) *Record {
	scope := rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,62}`)
	labels := rapid.MapOfN(rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._/-]{0,62}`), rapid.StringMatching(`[a-zäø =,]{0,100}`), 0, MaxLabels).Draw(t, "labels")
	if len(labels) == 0 {
		labels = nil
	}
	rec := &Record{
		ID:         drawID(t, "id"),
		Name:       rapid.StringN(1, MaxName, -1).Draw(t, "name"),
		Permission: rapid.SampledFrom([]Permission{Read, Write, Full, Operator}).Draw(t, "permission"),
		Account:    scope.Draw(t, "account"),
		Workspace:  scope.Draw(t, "workspace"),
		Prefix:     rapid.StringMatching(`([a-z0-9]{1,12}_)?`).Draw(t, "prefix"),
		Last4:      rapid.StringMatching(`[0-9A-Za-z._~+/=-]{0,4}`).Draw(t, "last4"),
		CreatedAt:  drawTime(t, "created", false),
		ExpiresAt:  drawTime(t, "expires", true),
		RevokedAt:  drawTime(t, "revoked", true),
		Disabled:   rapid.Bool().Draw(t, "disabled"),
		Replaces:   drawLink(t, "replaces"),
		ReplacedBy: drawLink(t, "replaced by"),

		RetireUnused: time.Duration(rapid.Int64Range(0, MaxOverlap.Milliseconds()).Draw(t, "retire")) * time.Millisecond,
		CreatedBy:    rapid.StringN(0, MaxWho, -1).Draw(t, "created by"),
		Labels:       labels,
		Import:       drawLink(t, "import"),
	}
	if rec.Permission == Operator {
		switch rapid.IntRange(0, 2).Draw(t, "how wide") {
		case 1:
			rec.Workspace = ""
		case 2:
			rec.Account, rec.Workspace = "", ""
		}
	}
	return rec
}

// TestRecordRoundTrip: decode undoes encode, and every shorter or longer text is
// refused.
func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rec := drawRecord(t)
		encoded, err := appendRecord(nil, rec)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeRecord(encoded)
		if err != nil || !cmp.Equal(got, rec) {
			t.Fatalf("got %+v, %v; want %+v", got, err, rec)
		}
		cut := rapid.IntRange(0, len(encoded)-1).Draw(t, "cut")
		if got, err := decodeRecord(encoded[:cut]); got != nil || err == nil {
			t.Fatalf("cut to %d: %+v, %v", cut, got, err)
		}
		if got, err := decodeRecord(append(encoded, 0)); got != nil || err == nil {
			t.Fatalf("a byte more: %+v, %v", got, err)
		}
	})
}

// TestEncodeRefuses what decode would refuse: it never gets into the file.
func TestEncodeRefuses(t *testing.T) {
	good := Record{ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Name: "n", Permission: Read, Account: "a", Workspace: "w", CreatedAt: time.UnixMilli(1).UTC()}
	if _, err := appendRecord(nil, &good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Record){
		"permission":      func(r *Record) { r.Permission = 0 },
		"high permission": func(r *Record) { r.Permission = 5 },
		"no account":      func(r *Record) { r.Account, r.Workspace = "", "" },
		"wide workspace":  func(r *Record) { r.Permission, r.Account = Operator, "" },
		"maker":           func(r *Record) { r.CreatedBy = strings.Repeat("x", MaxWho+1) },
		"import":          func(r *Record) { r.Import = "x" },
		"retire":          func(r *Record) { r.RetireUnused = MaxOverlap + time.Millisecond },
		"negative retire": func(r *Record) { r.RetireUnused = -time.Millisecond },
		"label name":      func(r *Record) { r.Labels = map[string]string{"-": ""} },
		"label value":     func(r *Record) { r.Labels = map[string]string{"a": strings.Repeat("x", MaxLabelValue+1)} },
		"label with NUL":  func(r *Record) { r.Labels = map[string]string{"a": "\x00"} },
		"no id":           func(r *Record) { r.ID = "" },
		"zero id":         func(r *Record) { r.ID = zeroID },
		"lower-case id":   func(r *Record) { r.ID = strings.ToLower(r.ID) },
		"link":            func(r *Record) { r.Replaces = "x" },
		"zero link":       func(r *Record) { r.ReplacedBy = zeroID },
		"no name":         func(r *Record) { r.Name = "" },
		"long name":       func(r *Record) { r.Name = strings.Repeat("ä", MaxName+1) },
		"bytes":           func(r *Record) { r.Name = "\xff" },
		"account":         func(r *Record) { r.Account = "-" },
		"workspace":       func(r *Record) { r.Workspace = strings.Repeat("w", MaxScope+1) },
		"prefix":          func(r *Record) { r.Prefix = "A_" },
		"last 4":          func(r *Record) { r.Last4 = "12345" },
		"created":         func(r *Record) { r.CreatedAt = time.Time{} },
		"before 1970":     func(r *Record) { r.ExpiresAt = time.UnixMilli(-1) },
		"after 9999":      func(r *Record) { r.RevokedAt = maxTime.Add(time.Millisecond) },
	} {
		rec := good
		spoil(&rec)
		if b, err := appendRecord(nil, &rec); err == nil || b != nil {
			t.Errorf("%s: encoded as %x, %v", name, b, err)
		}
	}
}

// FuzzRecord: what decodes encodes to the same bytes; what does not gives
// nothing.
func FuzzRecord(f *testing.F) {
	rec := Record{
		ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Name: "ci ü", Permission: Full, Account: "default", Workspace: "w-1", Prefix: "ant_", Last4: "wxYZ",
		CreatedAt: time.UnixMilli(1.7e12).UTC(), ExpiresAt: time.UnixMilli(1.8e12).UTC(), Disabled: true, Replaces: "01ARZ3NDEKTSV4RRFFQ69G5FAW",
	}
	encoded, err := appendRecord(nil, &rec)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded)
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{1}, fixedLength+10))
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := decodeRecord(b)
		if err != nil {
			if rec != nil {
				t.Fatalf("an error and a record: %+v", rec)
			}
			return
		}
		again, err := appendRecord(nil, rec)
		if b[0] == 1 && err == nil { // version 1 is written no more
			newer, err := decodeRecord(again)
			if err != nil || !cmp.Equal(newer, rec) {
				t.Fatalf("%+v became %+v, %v", rec, newer, err)
			}
			return
		}
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x decodes to %+v, which encodes to %x, %v", b, rec, again, err)
		}
		if !rec.Permission.Valid() {
			t.Fatalf("permission %v", rec.Permission)
		}
	})
}
