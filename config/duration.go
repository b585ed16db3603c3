package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// The terms of a duration, as in 1d12h. The parser and the schema share them.
const (
	durationNumber = `[0-9]{1,9}(?:\.[0-9]{1,9})?`
	durationUnit   = `ms|s|m|h|d|w`
)

var (
	durationTerms = regexp.MustCompile(`(` + durationNumber + `)(` + durationUnit + `)`)
	wholeDuration = regexp.MustCompile(`^(?:` + durationTerms.String() + `)+$`)
)

// longestDuration keeps sums of terms far from where a time.Duration ends.
const longestDuration = 100 * 366 * 24 * time.Hour

// parseDuration reads a duration with Go's units from ms up, d (24 hours) and w.
func parseDuration(text string) (total time.Duration, is bool) {
	if !wholeDuration.MatchString(text) {
		return 0, false
	}
	for _, term := range durationTerms.FindAllStringSubmatch(text, -1) {
		d, is := durationTerm(term[1], term[2])
		if total += d; !is || total > longestDuration {
			return 0, false
		}
	}
	return total, true
}

// durationTerm leaves the arithmetic of the number to the standard library.
func durationTerm(number, unit string) (time.Duration, bool) {
	times := time.Duration(1)
	switch unit {
	case "d":
		unit, times = "h", 24
	case "w":
		unit, times = "h", 7*24
	}
	d, err := time.ParseDuration(number + unit)
	if err != nil || d > longestDuration/times {
		return 0, false
	}
	return d * times, true
}

func (f field) isDuration() bool {
	_, is := f.value.Interface().(time.Duration)
	return is
}

// duration reads a text as the field takes it: inside its range, or the word of its tag `or`, which is 0.
func (f field) duration(text string) (d time.Duration, is bool) {
	if word, has := f.tag("or"); has && text == word {
		return 0, true
	}
	shortest, longest := f.durationBounds()
	least, _ := parseDuration(shortest) // our own tags, held by TestTags
	most, _ := parseDuration(longest)
	d, is = parseDuration(text)
	return d, is && least <= d && d <= most
}

func (f field) checkDuration(text string) string {
	if _, is := f.duration(text); is {
		return ""
	}
	word, _ := f.tag("or")
	return f.expectedDuration() + didYouMean(text, strings.Fields(word))
}

func (f field) durationBounds() (shortest, longest string) {
	shortest, longest, _ = strings.Cut(f.about.Tag.Get("range"), " ")
	return shortest, longest
}

func (f field) expectedDuration() string {
	shortest, longest := f.durationBounds()
	expected := fmt.Sprintf("a duration from %s to %s, as in %s", shortest, longest, f.about.Tag.Get("default"))
	if word, has := f.tag("or"); has {
		expected += ", or " + word
	}
	return expected
}

func (f field) durationSchema() schema {
	pattern := wholeDuration.String()
	if word, has := f.tag("or"); has {
		pattern += "|^" + word + "$"
	}
	return schema{"type": "string", "pattern": pattern}
}
