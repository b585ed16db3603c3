package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestFormatOf(t *testing.T) {
	for _, row := range [][3]string{
		{"keys.csv", "{}", "csv"}, {"KEYS.CSV", "", "csv"}, {"keys.jsonl", "name", "jsonl"}, {"keys.ndjson", "", "jsonl"},
		{"-", "name,key\n", "csv"}, {"-", " \n{}", "jsonl"}, {"-", "\ufeffname", "csv"}, {"-", "\ufeff{", "jsonl"}, {"csv", "", "jsonl"}, {"-", "[{}]", "jsonl"},
	} {
		if got := formatOf(row[0], bufio.NewReader(strings.NewReader(row[1]))); got != row[2] {
			t.Errorf("%q with %q: %s, want %s", row[0], row[1], got, row[2])
		}
	}
}

// A terminal on which nobody types does not outlast Ctrl-C.
func TestUntilDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	silent, typing := io.Pipe()
	defer typing.Close()
	r := untilDone(ctx, silent)
	go func() { _, _ = typing.Write([]byte("ab")) }()
	got := make([]byte, 2)
	if _, err := io.ReadFull(r, got); string(got) != "ab" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	cancel()
	if _, err := r.Read(got); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	all, err := io.ReadAll(untilDone(t.Context(), strings.NewReader("all")))
	if string(all) != "all" || err != nil {
		t.Errorf("%q, %v", all, err)
	}
}
