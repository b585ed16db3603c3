package console

import (
	"fmt"
	"slices"
	"strconv"
)

// Slot is an hour or a day of usage.
type Slot struct {
	Label   string // in full, for the table and the tooltip: "24 Nov, 14:00"
	Tick    string // short, for the axis: "14:00"
	Allowed uint64
	Denied  uint64
}

// The chart is drawn in units: slotWidth across for each slot, which the style
// sheet stretches to the page, and chartHeight up, which are pixels. The words
// beside it are HTML, so that they keep their size on a narrow screen.
const (
	slotWidth   = 12
	barWidth    = 9
	chartHeight = 160
	minBar      = 2 // a single request must show beside a million
)

// Chart is a drawn chart: bars, and the same as a table.
type Chart struct {
	Title   string
	Summary string // what the chart says, for those who cannot see it
	Unit    string // "hour" or "day"
	Width   int
	Height  int
	Bars    []Bar
	Scale   []string // at the axis, from the top
	Ticks   []string // below, evenly spaced, each at the left of its part
	Rows    []ChartRow
}

// Bar is one slot: what was allowed from the ground up, and what was denied on top.
type Bar struct {
	X, Width int
	Allowed  Span
	Denied   Span
	Title    string // the tooltip
}

// Span is a part of a bar. A Height of 0 is not drawn.
type Span struct{ Y, Height int }

// ChartRow is a slot in the table.
type ChartRow struct{ Label, Allowed, Denied string }

// Empty reports whether there is nothing to draw.
func (c Chart) Empty() bool { return len(c.Rows) == 0 }

// NewChart draws slots, the oldest first, with a number of ticks that divides
// how many there are. unit is "hour" or "day".
func NewChart(title, unit string, slots []Slot, ticks int) Chart {
	c := Chart{Title: title, Unit: unit, Width: slotWidth * len(slots), Height: chartHeight}
	top := niceTop(highest(slots))
	c.Scale = []string{Count(top), Count(top / 2), "0"}
	for i, s := range slots {
		if s.Allowed+s.Denied > 0 {
			c.Bars = append(c.Bars, newBar(i, s, top))
		}
		if ticks > 0 && i*ticks%len(slots) == 0 {
			c.Ticks = append(c.Ticks, s.Tick)
		}
	}
	c.Rows = chartRows(slots)
	c.Summary = summaryOf(unit, slots)
	return c
}

func newBar(i int, s Slot, top uint64) Bar {
	allowed, denied := scaled(s.Allowed, top), scaled(s.Denied, top)
	if over := allowed + denied - chartHeight; over > 0 { // the least heights do not fit
		if allowed > denied {
			allowed -= over
		} else {
			denied -= over
		}
	}
	return Bar{
		X: i*slotWidth + (slotWidth-barWidth)/2, Width: barWidth,
		Allowed: Span{chartHeight - allowed, allowed},
		Denied:  Span{chartHeight - allowed - denied, denied},
		Title:   fmt.Sprintf("%s: %s allowed, %s denied", s.Label, Count(s.Allowed), Count(s.Denied)),
	}
}

// scaled is the height of n when top is as high as the chart.
func scaled(n, top uint64) int {
	if n == 0 {
		return 0
	}
	return max(minBar, int(float64(n)/float64(top)*chartHeight))
}

// highest is the most requests that any slot has.
func highest(slots []Slot) (most uint64) {
	for _, s := range slots {
		most = max(most, s.Allowed+s.Denied)
	}
	return most
}

// niceTop is the top of the axis: a round number whose half is whole.
func niceTop(most uint64) uint64 {
	for step := uint64(1); step < 1e18; step *= 10 {
		for _, n := range []uint64{2, 3, 4, 5, 6, 8, 10} {
			if top := n * step; top >= most && top%2 == 0 {
				return top
			}
		}
	}
	return most
}

// chartRows leave out the slots without a request; the newest is first.
func chartRows(slots []Slot) (rows []ChartRow) {
	for _, s := range slices.Backward(slots) {
		if s.Allowed+s.Denied > 0 {
			rows = append(rows, ChartRow{s.Label, Count(s.Allowed), Count(s.Denied)})
		}
	}
	return rows
}

func summaryOf(unit string, slots []Slot) string {
	var allowed, denied uint64
	busiest := Slot{}
	for _, s := range slots {
		allowed, denied = allowed+s.Allowed, denied+s.Denied
		if s.Allowed+s.Denied > busiest.Allowed+busiest.Denied {
			busiest = s
		}
	}
	if allowed+denied == 0 {
		return fmt.Sprintf("No requests in these %d %ss.", len(slots), unit)
	}
	return fmt.Sprintf("%s allowed and %s denied in %d %ss. The busiest %s was %s with %s.", Count(allowed), Count(denied),
		len(slots), unit, unit, busiest.Label, requests(busiest.Allowed+busiest.Denied))
}

func requests(n uint64) string {
	if n == 1 {
		return "1 request"
	}
	return Count(n) + " requests"
}

// Count writes a number with commas: 12,345.
func Count(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
