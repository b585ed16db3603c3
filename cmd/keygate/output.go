package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// outputFlag adds -o to a command. "" is for people, the formats are for programs: "json" unless others are named.
func outputFlag(cmd *cobra.Command, format *string, formats ...string) {
	if len(formats) == 0 {
		formats = []string{"json"}
	}
	words := strings.Join(formats, " or ")
	cmd.Flags().StringVarP(format, "output", "o", "", "`FORMAT` of the output: "+words)
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if *format != "" && !slices.Contains(formats, *format) {
			return usagef("--output %q: want %s", *format, words)
		}
		return nil
	}
}

// writeJSON prints v as one indented object or array.
func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// jsonStream prints an array item by item, so that a list of any length takes no memory to speak of.
// It is closed only when all items came: what was cut short does not parse.
type jsonStream struct {
	w     io.Writer
	items int
}

func (s *jsonStream) write(v any) error {
	text, err := json.MarshalIndent(v, "  ", "  ")
	if err != nil {
		return err
	}
	lead := ",\n  "
	if s.items == 0 {
		lead = "[\n  "
	}
	s.items++
	_, err = io.WriteString(s.w, lead+string(text))
	return err
}

func (s *jsonStream) close() error {
	end := "\n]\n"
	if s.items == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(s.w, end)
	return err
}

// writeFields prints label and value pairs under each other, leaving out those without a value.
func writeFields(w io.Writer, pairs ...string) error {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(&b, "%-13s%s\n", pairs[i], pairs[i+1])
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
