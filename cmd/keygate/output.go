package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
)

// outputFlag adds -o to a command. "" is for people, "json" for programs.
func outputFlag(cmd *cobra.Command, format *string) {
	cmd.Flags().StringVarP(format, "output", "o", "", "`FORMAT` of the output: json")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if *format != "" && *format != "json" {
			return usagef("--output %q: want json", *format)
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

// writeJSONStream prints an array item by item, so that a list of any length takes no memory to speak of.
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

// keyRow is the list's line for k; keyHeader names its columns. The name comes last since it alone has no bound worth a column.
const keyHeader = "ID                          KEY                 PERMISSION  STATUS    WORKSPACE            EXPIRES               NAME\n"

func keyRow(k admin.Key) string {
	return fmt.Sprintf("%-26s  %-18s  %-10s  %-8s  %-19s  %-20s  %s\n",
		k.ID, masked(k), k.Permission, k.Status, k.Account+"/"+k.Workspace, expiryWord(k), k.Name)
}

// masked shows of a key's text what may be shown: where it came from and its last 4 characters.
func masked(k admin.Key) string { return k.Prefix + "..." + k.Last4 }

func expiryWord(k admin.Key) string {
	if k.ExpiresAt.IsZero() {
		return "never"
	}
	return k.ExpiresAt.UTC().Format(time.RFC3339)
}

// writeFields prints label and value pairs under each other, leaving out those without a value.
func writeFields(w io.Writer, pairs ...string) error {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(&b, "%-12s%s\n", pairs[i], pairs[i+1])
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
