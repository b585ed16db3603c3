package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAdminSocketOfAFileWithOtherProblems(t *testing.T) {
	folder := t.TempDir()
	for name, tc := range map[string]struct{ text, want string }{
		"good":               {"admin: {socket: a.sock}\n", filepath.Join(folder, "a.sock")},
		"bad routes":         {"admin: {socket: /run/b.sock}\nroutes:\n  /x: {GET: reed}\nexpect: 3\n", "/run/b.sock"},
		"unknown field":      {"admn: {socket: /run/b.sock}\n", "/run/keygate/admin.sock"},
		"left out":           {"routes: 7\n", "/run/keygate/admin.sock"},
		"the socket is bad":  {"admin: {socket: [1]}\n", ""},
		"not YAML":           {"admin: {socket: ", ""},
		"a second document":  {"admin: {socket: a.sock}\n---\nadmin: {socket: b.sock}\n", ""},
		"the same key twice": {"admin: {socket: a.sock, socket: b.sock}\n", ""},
	} {
		file := filepath.Join(folder, "keygate.yaml")
		if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := AdminSocket(file)
		if got != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s: %q, %v; want %q", name, got, err, tc.want)
		}
	}
	if _, err := AdminSocket(filepath.Join(folder, "absent.yaml")); err == nil {
		t.Error("an absent file has a socket")
	}
}
