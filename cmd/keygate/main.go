// Command keygate is an external-authorization server for Envoy that owns the whole life of API keys.
//
// Rules for what it prints: standard output is data and nothing else; talk, warnings and errors go to standard
// error; an error names the place and the next step. Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
package main

import (
	"context"
	"os"
)

func main() {
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}
	os.Exit(p.run(context.Background(), os.Args[1:]))
}
