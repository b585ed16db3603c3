package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/keystore"
)

// masked shows of a key's text what may be shown: where it came from and its last 4 characters.
func masked(k admin.Key) string { return k.Prefix + "..." + k.Last4 }

// when is a time for people, or none where there is none.
func when(t admin.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format(time.RFC3339)
}

func expiryWord(k admin.Key) string { return when(k.ExpiresAt, "never") }

// scope is the workspace that a key belongs to, as the pair that it is. An operator key has an asterisk for what it is
// not bound to.
func scope(account, workspace admin.Text) string {
	if account == "" {
		return "*/*"
	}
	if workspace == "" {
		workspace = "*"
	}
	return string(account + "/" + workspace)
}

// ago says how long before now something happened, in the largest unit that is not too coarse; "never" if it did not.
func ago(t admin.Time, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	switch d := now.Sub(t.Time); {
	case d < 10*time.Second: // or a clock that is ahead of ours
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	default:
		return fmt.Sprintf("%d d ago", d/(24*time.Hour))
	}
}

// shortDuration is a duration as people write it: "24h" for "24h0m0s". What is no duration stays as it is.
func shortDuration(t admin.Text) string {
	text := string(t)
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// labelWords are labels in the order of their names: "env=prod,team=docs".
func labelWords(labels admin.Labels) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, name+"="+labels[name])
	}
	return strings.Join(pairs, ",")
}

// things is a number of them: "1 key", "3 keys".
func things[N int | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// living is a number of living keys that a key made: the server stops counting somewhere.
func living(n int, thing string) string {
	if n >= keystore.MaxMade {
		return things(n, thing) + " or more"
	}
	return things(n, thing)
}
