package console

import (
	"fmt"
	"time"
)

const (
	day       = 24 * time.Hour
	exactTime = "2006-01-02T15:04:05.000Z"
	plainDay  = "2 Jan 2006"
)

// at is a moment in given words.
func at(t time.Time, words string) Moment {
	return Moment{words, t.UTC().Format(exactTime)}
}

// past says how long ago something was; zero is no moment.
func past(t, now time.Time) Moment {
	if t.IsZero() {
		return Moment{}
	}
	switch ago := now.Sub(t); {
	case ago < time.Minute:
		return at(t, "just now")
	case ago < 14*day:
		return at(t, span(ago)+" ago")
	}
	return at(t, t.UTC().Format(plainDay))
}

// dayOf is the day of something that happened long ago or that nobody counts.
func dayOf(t time.Time) Moment {
	if t.IsZero() {
		return Moment{}
	}
	return at(t, t.UTC().Format(plainDay))
}

// soonest is how near an end must be to be called soon.
const soonest = 7 * day

// end says when something ends: how long it still is, the day, or how long ago
// it was. A key that was given a date ends with that day, so the day of an end
// is that of the last moment before it.
func end(t, now time.Time) Moment {
	if t.IsZero() {
		return Moment{}
	}
	switch left := t.Sub(now); {
	case left <= 0:
		return past(t, now)
	case left < time.Minute:
		return at(t, "in a moment")
	case left < soonest:
		return at(t, "in "+span(left))
	}
	return at(t, lastDay(t).Format(plainDay))
}

// lastDay is the day of which t is still a part, midnight being its end.
func lastDay(t time.Time) time.Time { return t.UTC().Add(-time.Millisecond) }

// second says a time to the second, for a log.
func second(t time.Time) Moment { return at(t, t.UTC().Format("2 Jan 2006, 15:04:05")) }

// span says a duration in its largest whole unit.
func span(d time.Duration) string {
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d min", d/time.Minute)
}

// lifetime says how long a key was given.
func lifetime(created, expires time.Time) string {
	if expires.IsZero() {
		return ""
	}
	return span(expires.Sub(created))
}
