package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
)

// confirm asks on a terminal. Elsewhere nobody is there to ask, and the answer is no: what says what --yes would do.
func (p *program) confirm(question, what string) error {
	if !isTerminal(p.stdin) {
		return usagef("revoke cannot ask here: pass --yes to revoke %s for good", what)
	}
	fmt.Fprint(p.stderr, question+" [y/N] ")
	answer, _ := bufio.NewReader(p.stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("nothing was revoked")
}

// isTerminal tells a person from a pipe. The null device is taken for a person and answers nothing, which is no.
func isTerminal(r any) bool {
	file, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
