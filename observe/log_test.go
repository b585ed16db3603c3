package observe

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestNewLogger(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(&out, "json", "warn")
	if err != nil {
		t.Fatal(err)
	}
	log.Info("not this one")
	log.Warn("this one", "request_id", "a\nb")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["request_id"] != "a\nb" {
		t.Errorf("%q: %v", out.String(), err)
	}
	out.Reset()
	if log, err = NewLogger(&out, "text", "info"); err != nil {
		t.Fatal(err)
	}
	log.Info("x", "request_id", "a\nlevel=ERROR")
	if lines := strings.Count(out.String(), "\n"); lines != 1 {
		t.Errorf("what a client sent made %d lines: %q", lines, out.String())
	}
	for _, bad := range [][2]string{{"xml", "info"}, {"json", "loud"}} {
		if _, err := NewLogger(&out, bad[0], bad[1]); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

// A flood of denials makes at most a burst of lines and then 10 a second, and what was held back is counted.
func TestCheckLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log, err := NewLogger(&out, "text", "info")
		if err != nil {
			t.Fatal(err)
		}
		c := NewCheckLog(log)
		built := 0
		deny := func() {
			c.Write(slog.LevelInfo, "denied", func() []slog.Attr { built++; return []slog.Attr{slog.String("reason", "revoked")} })
		}
		for range 1000 {
			deny()
		}
		if lines := strings.Count(out.String(), "\n"); lines != checkLinesBurst || built != lines {
			t.Fatalf("%d lines, %d built, want %d", lines, built, checkLinesBurst)
		}
		out.Reset()
		<-time.After(time.Second) // of the bubble's clock
		for range 1000 {
			deny()
		}
		if lines := strings.Count(out.String(), "\n"); lines != checkLinesPerSecond {
			t.Errorf("%d lines in the next second, want %d", lines, checkLinesPerSecond)
		}
		if !strings.Contains(out.String(), "held_back=950") {
			t.Errorf("what was held back is not told: %s", out.String())
		}
	})
}

func TestCheckLogKeepsToTheLevel(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(&out, "text", "error")
	if err != nil {
		t.Fatal(err)
	}
	NewCheckLog(log).Write(slog.LevelInfo, "denied", func() []slog.Attr { t.Error("built a line that is not written"); return nil })
	if out.Len() != 0 {
		t.Errorf("wrote %q", out.String())
	}
}
