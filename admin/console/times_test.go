package console

import (
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2025, 11, 24, 12, 0, 0, 0, time.UTC)

func TestPastInWords(t *testing.T) {
	for ago, want := range map[time.Duration]string{
		-time.Second: "just now", 0: "just now", 59 * time.Second: "just now", time.Minute: "1 min ago", 59*time.Minute + 59*time.Second: "59 min ago",
		time.Hour: "1 h ago", 47 * time.Hour: "47 h ago", 48 * time.Hour: "2 days ago", 13 * day: "13 days ago", 14 * day: "10 Nov 2025",
	} {
		if got := past(noon.Add(-ago), noon); got.Words != want {
			t.Errorf("%s ago: %q, want %q", ago, got.Words, want)
		}
	}
	if got := past(time.Time{}, noon); got != (Moment{}) {
		t.Errorf("never: %v", got)
	}
}

// The end of a day belongs to that day.
func TestEndsInWords(t *testing.T) {
	for at, want := range map[time.Time]string{
		noon: "just now", noon.Add(30 * time.Second): "in a moment", noon.Add(3 * time.Hour): "in 3 h", noon.Add(6 * day): "in 6 days",
		time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC): "31 Jan 2026", time.Date(2026, 2, 1, 0, 0, 1, 0, time.UTC): "1 Feb 2026", noon.Add(-3 * time.Hour): "3 h ago",
	} {
		got := end(at, noon)
		if got.Words != want || !strings.HasSuffix(got.Exact, ".000Z") {
			t.Errorf("%s: %v, want %q", at, got, want)
		}
	}
	if lifetime(noon, noon.Add(90*day)) != "90 days" || lifetime(noon, time.Time{}) != "" {
		t.Error("lifetimes")
	}
}

func TestMaskText(t *testing.T) {
	for text, want := range map[string]string{
		sampleKey: "ant_...WXYZ", "xoxb-1234567890-abcdefghij": "...ghij", "short": "...", "ant_short": "ant_...", "": "...",
		strings.Repeat("a", 20) + "_" + strings.Repeat("b", 20): "...bbbb",
	} {
		if got := maskText(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
