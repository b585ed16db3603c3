package config

import "testing"

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"read", "read", 0}, {"raed", "read", 2}, {"rad", "read", 1}, {"reead", "read", 1},
		{"kitten", "sitting", 3}, {"abc", "", 3}, {"", "abc", 3},
	} {
		if got := distance(test.a, test.b, 9); got != test.want {
			t.Errorf("%q to %q is %d, want %d", test.a, test.b, got, test.want)
		}
	}
	if distance("a", "abcdef", 2) <= 2 {
		t.Error("a difference in length is not seen")
	}
}

func TestDidYouMean(t *testing.T) {
	words := []string{"public", "read", "write"}
	for word, want := range map[string]string{
		"raed": "read", "READ": "read", "wirte": "write", "publik": "public",
		"admin": "", "x": "", "": "", "readwrite": "",
	} {
		if want != "" {
			want = `; did you mean "` + want + `"?`
		}
		if got := didYouMean(word, words); got != want {
			t.Errorf("%q gives %q, want %q", word, got, want)
		}
	}
}
