package main

import (
	"strings"
	"testing"
)

// The count gives its line back, and there is none where nobody looks.
func TestProgress(t *testing.T) {
	var out strings.Builder
	p := &program{stderr: &out}
	none := p.progress("lines")
	none.show(1)
	none.end()
	if none != nil || out.Len() > 0 {
		t.Errorf("into a pipe went %q", out.String())
	}
	count := &progress{p: p, unit: "lines"}
	count.end()
	count.show(10)
	count.show(20)
	count.end()
	count.end()
	if got := out.String(); got != "\r10 lines\r20 lines\r\x1b[K" {
		t.Errorf("%q", got)
	}
}
