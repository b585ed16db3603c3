package extauthz

import (
	"strings"
	"testing"
)

func TestParseCredential(t *testing.T) {
	longest := strings.Repeat("a", 512)
	for _, tc := range []struct {
		name   string
		values []string
		token  string
		denial Reason
	}{
		{"none", nil, "", NoCredential},
		{"empty", []string{""}, "", NoCredential},
		{"basic", []string{"Basic dXNlcjpwYXNz"}, "", NoCredential},
		{"scheme that only begins like bearer", []string{"Bearerx abc"}, "", NoCredential},
		{"token without a scheme", []string{"ant_abc"}, "", NoCredential},
		{"bearer", []string{"Bearer abc"}, "abc", Undecided},
		{"scheme folds case", []string{"bEaReR abc"}, "abc", Undecided},
		{"several spaces", []string{"Bearer   abc"}, "abc", Undecided},
		{"space around the field value", []string{" \tBearer abc \t"}, "abc", Undecided},
		{"padding", []string{"Bearer abc=="}, "abc==", Undecided},
		{"every token byte", []string{"Bearer aZ09-._~+/"}, "aZ09-._~+/", Undecided},
		{"longest", []string{"Bearer " + longest}, longest, Undecided},
		{"too long", []string{"Bearer " + longest + "a"}, "", MalformedCredential},
		{"too long by padding", []string{"Bearer " + longest + "="}, "", MalformedCredential},
		{"scheme alone", []string{"Bearer"}, "", MalformedCredential},
		{"only padding", []string{"Bearer =="}, "", MalformedCredential},
		{"padding inside", []string{"Bearer a=b"}, "", MalformedCredential},
		{"two tokens", []string{"Bearer abc def"}, "", MalformedCredential},
		{"tab after the scheme", []string{"Bearer\tabc"}, "", NoCredential},
		{"tab in the token", []string{"Bearer a\tb"}, "", MalformedCredential},
		{"two values", []string{"Bearer abc", "Bearer abc"}, "", MalformedCredential},
		{"good one and another scheme", []string{"Bearer abc", "Basic abc"}, "", MalformedCredential},
		{"good one and an empty one", []string{"Bearer abc", ""}, "", MalformedCredential},
		{"joined by a comma", []string{"Bearer abc,Bearer abc"}, "", MalformedCredential},
		{"joined by a comma, other scheme first", []string{"Basic abc, Bearer abc"}, "", MalformedCredential},
		{"trailing comma", []string{"Bearer abc,"}, "", MalformedCredential},
		{"NUL", []string{"Bearer abc\x00"}, "", MalformedCredential},
		{"outside ASCII", []string{"Bearer abcé"}, "", MalformedCredential},
		{"Envoy's mark for bytes from 0x80", []string{"Bearer abc!"}, "", MalformedCredential},
		{"quoted", []string{`Bearer "abc"`}, "", MalformedCredential},
	} {
		t.Run(tc.name, func(t *testing.T) {
			token, denial := ParseCredential(tc.values)
			if token != tc.token || denial != tc.denial {
				t.Errorf("ParseCredential = %q, %s; want %q, %s", token, denial, tc.token, tc.denial)
			}
		})
	}
}

// FuzzParseCredential holds that a token comes out only of "Bearer" 1*SP token, and that it is in the input as it is.
func FuzzParseCredential(f *testing.F) {
	for _, seed := range []string{"", "Bearer abc", "bearer  a=", "Basic x", "Bearer a,b", "Bearer\x00a", "Bearer a b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		token, denial := ParseCredential([]string{value})
		if (token == "") == (denial == Undecided) {
			t.Fatalf("%q: token %q with denial %s", value, token, denial)
		}
		if denial != Undecided {
			return
		}
		scheme, rest, _ := strings.Cut(strings.Trim(value, " \t"), " ")
		if !strings.EqualFold(scheme, "bearer") || strings.Trim(rest, " ") != token || len(token) > maxToken {
			t.Fatalf("%q gave token %q", value, token)
		}
		if again, denial := ParseCredential([]string{"Bearer " + token}); again != token || denial != Undecided {
			t.Fatalf("token %q does not parse again: %q, %s", token, again, denial)
		}
	})
}
