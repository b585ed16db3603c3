package main

import "fmt"

// progress is a line on a terminal that counts. Elsewhere, and for nil, it is nothing.
type progress struct {
	p     *program
	unit  string
	shown bool
}

func (p *program) progress(unit string) *progress {
	if !isTerminal(p.stderr) {
		return nil
	}
	return &progress{p: p, unit: unit}
}

func (c *progress) show(n int) {
	if c == nil {
		return
	}
	c.shown = true
	fmt.Fprintf(c.p.stderr, "\r%d %s", n, c.unit)
}

// end gives the line back to what is printed next.
func (c *progress) end() {
	if c == nil || !c.shown {
		return
	}
	c.shown = false
	fmt.Fprint(c.p.stderr, "\r\x1b[K")
}
