package rules

// Warning is something that is allowed and likely not meant.
type Warning struct {
	Index   int // of the route, as given to New
	Message string
}

// Warnings gives what an operator should look at.
func (t *Table) Warnings() []Warning {
	return nil
}
