package config

import (
	"strconv"
	"strings"
)

// longestQuote bounds what a message repeats of the file, in characters.
const longestQuote = 60

// quote repeats text of the file in a message: escaped, and cut when it is long.
func quote(text string) string {
	runes := []rune(text)
	if len(runes) > longestQuote {
		return strconv.Quote(string(runes[:longestQuote])) + "..."
	}
	return strconv.Quote(text)
}

// cut keeps text short in a message that needs it without quotes.
func cut(text string) string {
	if runes := []rune(text); len(runes) > longestQuote {
		return string(runes[:longestQuote]) + "..."
	}
	return text
}

// didYouMean names the candidate closest to a word, ready to follow a message;
// it is empty when none is close.
func didYouMean(word string, candidates []string) string {
	word = strings.ToLower(word)
	best, least := "", min(len(word)/3+1, 3)
	for _, candidate := range candidates {
		if d := distance(word, strings.ToLower(candidate), least); d < least || d == least && best == "" {
			best, least = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + strconv.Quote(best) + "?"
}

// distance counts the insertions, deletions and replacements that turn a into b;
// anything over limit may come back as limit+1.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j+1]+1, row[j]+1, change)
		}
	}
	return row[len(b)]
}

// oneOf lists words for a message: "a", "a or b", "a, b or c".
func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
