package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// update rewrites what is generated or recorded: `go test ./config -update`.
var update = flag.Bool("update", false, "rewrite the expected problems, keygate.schema.json and the README's configuration section")

const shipped = "../keygate.yaml"

// named are the files of a folder of test data by name.
func named(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files at %s (%v)", pattern, err)
	}
	out := make(map[string][]byte)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(file)] = data
	}
	return out
}

// goodFiles is every file that must be accepted, the shipped one included.
func goodFiles(t testing.TB) map[string][]byte {
	out := named(t, "../testdata/config/good/*.yaml")
	for name, data := range named(t, shipped) {
		out[name] = data
	}
	return out
}

func badFiles(t testing.TB) map[string][]byte {
	return named(t, "../testdata/config/bad/*.yaml")
}

func TestGoodFilesAreAccepted(t *testing.T) {
	for name, data := range goodFiles(t) {
		if _, err := Parse(name, data, nil); err != nil {
			t.Errorf("%s is refused:\n%v", name, err)
		}
	}
}

func TestBadFilesAreRefusedWithEveryProblem(t *testing.T) {
	for name, data := range badFiles(t) {
		t.Run(name, func(t *testing.T) {
			config, err := Parse(name, data, nil)
			if err == nil || config != nil {
				t.Fatalf("accepted: %v, %v", config, err)
			}
			golden := filepath.Join("../testdata/config/bad", strings.TrimSuffix(name, ".yaml")+".txt")
			got := err.Error() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("problems are\n%s\nwant\n%s", got, want)
			}
		})
	}
}
