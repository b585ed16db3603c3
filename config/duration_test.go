package config

import (
	"strings"
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1s": time.Second, "1m": time.Minute, "1h": time.Hour, "0.5m": 30 * time.Second, "1m1s": 61 * time.Second, "1000ms": time.Second, "3600s": time.Hour,
		"": 0, "5": 0, "0": 0, "-5s": 0, "+5s": 0, "5 s": 0, "5S": 0, "s": 0, "1.s": 0, ".5m": 0, "1s1": 0, "1,5m": 0, "forever": 0,
		"999ms": 0, "1h1ms": 0, "1d": 0, "1000000us": 0, "9999999999s": 0,
	} {
		c, err := Parse("f", []byte("usage: { flush_interval: '"+text+"' }"), nil)
		if (err == nil) != (want != 0) || err == nil && c.Usage.FlushInterval != want {
			t.Errorf("%q: %v, %v", text, c, err)
		}
	}
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"1d": day, "24h": day, "2w": 14 * day, "1.5d": 36 * time.Hour, "1w1d1h": 8*day + time.Hour, "36500d": 36500 * day, "forever": 0,
		"0": -1, "0d": -1, "23h": -1, "36501d": -1, "999999999w": -1, strings.Repeat("36500d", 9): -1,
		"30501w": -1, strings.Repeat("36500d", 5) + "744143h": -1, // a product and a sum that come round to a few days "Forever": -1, "never": -1, "": -1,
	} {
		c, err := Parse("f", []byte("audit: { keep: '"+text+"' }"), nil)
		if (err == nil) != (want != -1) || err == nil && c.Audit.Keep != want {
			t.Errorf("%q: %v, %v", text, c, err)
		}
	}
}
