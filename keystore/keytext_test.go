package keystore

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustMint(t testing.TB, prefix string) string {
	t.Helper()
	text, err := mintText(randomSource, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}

// slowChecksum is the checksum as anyone would write it.
func slowChecksum(text string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	n, mod := new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(text)))), new(big.Int)
	out := ""
	for range 6 {
		n.DivMod(n, big.NewInt(62), mod)
		out = string(digits[mod.Int64()]) + out
	}
	return out
}

// TestKeyText: every minted text is sound, has the length and the checksum it
// should, and no other text one character away from it is sound.
func TestKeyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.StringMatching(`[a-z0-9]{1,12}_`).Draw(t, "prefix")
		random := rapid.SliceOfN(rapid.Byte(), 1024, 1024).Draw(t, "random")
		secret, err := mintText(bytes.NewReader(append(random, bytes.Repeat([]byte("x"), 64)...)), prefix)
		if err != nil {
			t.Fatal(err)
		}
		text := secret.Reveal()
		body := len(text) - checksumLength
		if len(text) != len(prefix)+49 || text[body:] != slowChecksum(text[:body]) || !soundText(text) {
			t.Fatalf("minted %q", text)
		}
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		c := rapid.Byte().Draw(t, "c")
		other := text[:at] + string([]byte{c}) + text[at+1:]
		if other != text && soundText(other) {
			t.Fatalf("%q is sound beside %q", other, text)
		}
	})
}

// TestMintingIsUnbiased: of the 256 values of a byte each character takes four,
// and the other eight are skipped.
func TestMintingIsUnbiased(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	count := map[byte]int{}
	for _, c := range appendBase62(nil, all, 1000) {
		count[c]++
	}
	for i := range len(base62) {
		if count[base62[i]] != 4 {
			t.Errorf("%c comes %d times", base62[i], count[base62[i]])
		}
	}
	if _, err := mintText(strings.NewReader("short"), "ant_"); err == nil {
		t.Error("a key without random bytes")
	}
}

func TestValidPrefix(t *testing.T) {
	for p, want := range map[string]bool{
		"ant_": true, "a_": true, "0_": true, "abcdefghijkl_": true,
		"": false, "_": false, "ant": false, "Ant_": false, "abcdefghijklm_": false, "a-b_": false, "a_b_": false, "ä_": false,
	} {
		if ValidPrefix(p) != want {
			t.Errorf("%q: %v", p, !want)
		}
	}
}

func TestCheckText(t *testing.T) {
	text, foreign := mustMint(t, "ant_"), mustMint(t, "acme_")
	swapped := []byte(text)
	swapped[10] = base62[(strings.IndexByte(base62, swapped[10])+1)%62]
	for _, c := range []struct {
		text string
		want TextProblem
	}{
		{text, TextOK}, {foreign, TextForeign}, {text[4:], TextForeign}, {"", TextForeign}, {strings.ToUpper(text), TextForeign},
		{text[:20], TextWrongLength}, {"ant_", TextWrongLength}, {text + "x", TextWrongLength},
		{text[:20] + " " + text[21:], TextBadCharacter}, {"ant_..." + text[49:], TextBadCharacter}, {text + "\n", TextBadCharacter},
		{string(swapped), TextBadChecksum},
	} {
		got := CheckText(c.text, []string{"ant_", "old_"})
		if got != c.want {
			t.Errorf("%q: %v", c.text, got)
		}
		if sentence := got.String(); len(sentence) < 20 || c.text != "" && strings.Contains(sentence, c.text) {
			t.Errorf("%q: sentence %q", c.text, sentence)
		}
	}
}

func TestLooksLikeKey(t *testing.T) {
	text := mustMint(t, "ant_")
	for _, arg := range []string{text, text[:30], text[:20], " " + text + "\n", "Bearer " + text, mustMint(t, "acme_"), "x " + text} {
		if !LooksLikeKey(arg, "ant_") {
			t.Errorf("%q does not look like a key", arg)
		}
	}
	for _, arg := range []string{"", "ant_", "ant_ci", "ant_productionserver", "ant_production2", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "my key", "ant_...WXYZ"} {
		if LooksLikeKey(arg, "ant_") {
			t.Errorf("%q looks like a key", arg)
		}
	}
}

// TestHoldsKey: whatever stands around a key, it is found; and it is not taken
// for a name, a scope or a reason.
func TestHoldsKey(t *testing.T) {
	s := openNew(t)
	for _, prefix := range []string{"ant_", "a_", "abcdefghijkl_"} {
		key := mustMint(t, prefix)
		for _, form := range []string{
			"%s", "my %s", "TOKEN_%s", "my_%s", "%s_old", "x%s", "KEY%s", "%%20%s", "token%%3D%s", "%sabc", "a_b_%s_c_d", "=%s;", "ü%sü", "_%s_", "0123456789abcdef%s",
		} {
			text := fmt.Sprintf(form, key)
			if !holdsKey(text) || !LooksLikeKey(text, "") || !LooksLikeKey(text, "ant_") || strings.Contains(quote(text), key[:20]) {
				t.Errorf("%q: the key in it is not seen", text)
			}
			if len(text) > MaxName {
				continue
			}
			if _, _, err := s.Create(NewKey{Name: text, Permission: Read}, By{}); err == nil {
				t.Errorf("%q became a name", text)
			}
		}
		if holdsKey(key[:len(key)-1]) || holdsKey("A"+key[1:]) || holdsKey(strings.Replace(key, "_", "-", 1)) || holdsKey(key[len(prefix)-1:]) {
			t.Errorf("%q: a key where there is none", key)
		}
	}
	for _, text := range []string{"", "_", strings.Repeat("_", 999), strings.Repeat("a", 999), "ant_" + strings.Repeat("a", 999)} {
		if holdsKey(text) {
			t.Errorf("%q holds a key", text)
		}
	}
}

// FuzzKeyText: a text is sound exactly if it is what minting makes: prefix, 43
// characters, and the checksum that an independent computation gives. What is
// sound CheckText accepts, and LooksLikeKey refuses as an argument.
func FuzzKeyText(f *testing.F) {
	f.Add("ant_" + strings.Repeat("0", 49))
	f.Add(mustMint(f, "ant_"))
	f.Add(mustMint(f, "abcdefghijkl_"))
	f.Add("ant_")
	f.Add("_")
	f.Fuzz(func(t *testing.T, text string) {
		prefix, body, _ := strings.Cut(text, "_")
		prefix += "_"
		form := ValidPrefix(prefix) && len(body) == 49 && strings.Trim(body, base62) == "" && strings.HasPrefix(text, prefix)
		want := form && slowChecksum(text[:len(text)-6]) == text[len(text)-6:]
		if soundText(text) != want {
			t.Fatalf("%q: sound %v", text, !want)
		}
		if want != (CheckText(text, []string{prefix}) == TextOK && ValidPrefix(prefix)) {
			t.Fatalf("%q: %v", text, CheckText(text, []string{prefix}))
		}
		if want && !LooksLikeKey(text, "other_") {
			t.Fatalf("%q does not look like a key", text)
		}
		if strings.Contains(quote(text), text) && want {
			t.Fatalf("%q is quoted", text)
		}
	})
}

// TestDigest compares with crypto/hmac.
func TestDigest(t *testing.T) {
	if newHasher(nil).digest("x") != sha256.Sum256([]byte("x")) {
		t.Error("without a pepper")
	}
	rapid.Check(t, func(t *rapid.T) {
		pepper := rapid.SliceOfN(rapid.Byte(), MinPepper, 200).Draw(t, "pepper")
		text := rapid.StringN(0, 100, maxText).Draw(t, "text")
		inner := sha256.Sum256([]byte(text))
		m := hmac.New(sha256.New, pepper)
		m.Write(inner[:])
		if got := newHasher(pepper).digest(text); !bytes.Equal(got[:], m.Sum(nil)) {
			t.Fatal("with a pepper")
		}
	})
}

// TestTagsKeepPartsApart: moving a byte from one part to its neighbour, or the
// use, changes the tag.
func TestTagsKeepPartsApart(t *testing.T) {
	h := newHasher(nil)
	seen := map[string]bool{}
	for _, tag := range [][]byte{
		h.tag("d", []byte("ab"), []byte("c")), h.tag("d", []byte("a"), []byte("bc")), h.tag("d", []byte("abc")), h.tag("da", []byte("b"), []byte("c")),
		newHasher(bytes.Repeat([]byte("p"), 32)).tag("d", []byte("abc")),
	} {
		if seen[string(tag)] {
			t.Error("two tags are the same")
		}
		seen[string(tag)] = true
	}
}

// TestSecretNeverShows whatever prints it, also from within other structs.
func TestSecretNeverShows(t *testing.T) {
	text := mustMint(t, "ant_")
	secret := NewSecret(text)
	type open struct{ S Secret }
	type closed struct{ s Secret }
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%10.3s"} {
		_, _ = fmt.Fprintf(&out, verb+verb+verb+verb+verb, secret, &secret, open{secret}, closed{secret}, []any{&closed{secret}, map[string]Secret{"k": secret}})
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("m", "s", secret, "o", open{secret}, "c", closed{secret}, "p", &secret)
	}
	for _, v := range []any{secret, &secret, open{secret}, closed{secret}, map[string]any{"s": secret}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	_, _ = fmt.Fprint(&out, errors.Join(fmt.Errorf("x %v", secret)), secret.String(), secret.GoString())
	for _, form := range []string{text, text[4:20], fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), fmt.Sprint([]byte(text))} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the text shows in %s", &out)
		}
	}
	if !strings.Contains(out.String(), redacted) || secret.Reveal() != text || (Secret{}).Reveal() != "" {
		t.Error("not redacted, or not revealed")
	}
}
