// Package keygate_test holds the shape of the source: which way imports point, what the binary is built from,
// and how long things may get. CONTRIBUTING.md says the same in words.
package keygate_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/antinium/keygate"

// arrows are the imports among our own packages, code and tests alike: what is not here points the wrong way.
var arrows = map[string][]string{
	"":               {},
	"admin":          {"keystore", "unixsocket", "usage"},
	"admin/console":  {"admin", "keystore", "usage"},
	"cmd/keygate":    {"admin", "admin/console", "config", "envoy", "extauthz", "extauthz/rules", "keystore", "observe", "unixsocket", "usage"},
	"config":         {"extauthz/rules"},
	"demo":           {},
	"deploy/compose": {"config", "envoy"},
	"envoy":          {},
	"extauthz":       {"extauthz/rules", "keystore"},
	"extauthz/rules": {},
	"keystore":       {},
	"observe":        {},
	"unixsocket":     {},
	"usage":          {},
}

// arrowsOfTests are more imports that tests may have.
var arrowsOfTests = map[string][]string{
	"extauthz": {"unixsocket"},
}

// owners says where a foreign module may be imported: in one package, wherever that is natural. A module that is not
// here is no dependency of the code.
var owners = map[string][]string{
	"github.com/danielgtaylor/huma/v2":             {"admin"},
	"github.com/envoyproxy/go-control-plane/envoy": {"extauthz"},
	"github.com/goccy/go-yaml":                     {"config"},
	"github.com/hashicorp/golang-lru/v2":           {"keystore"},
	"github.com/oklog/ulid/v2":                     {"keystore"},
	"github.com/prometheus/client_golang":          {"observe"},
	"github.com/spf13/cobra":                       {"cmd/keygate"},
	"go.etcd.io/bbolt":                             {"keystore", "usage"}, // two files, of which one may be lost
	"golang.org/x/net":                             {"admin"},
	"golang.org/x/sync":                            {"cmd/keygate", "extauthz"}, // errgroup joins goroutines: nothing to wrap
	"golang.org/x/time":                            {"admin", "observe"},
	"google.golang.org/grpc":                       {"extauthz"},
	"google.golang.org/protobuf":                   {"extauthz"},
}

// Limits. The lengths are in lines and count code only, not tests.
const (
	maxDirect     = 13 // modules that the binary imports itself
	maxFileLines  = 400
	maxMedianFunc = 15
)

// vague are names that say nothing about what is inside.
var vague = []string{"util", "utils", "common", "helper", "helpers", "manager", "misc"}

// pkg is what `go list` tells about a package.
type pkg struct {
	ImportPath, Name, Dir              string
	Standard                           bool
	Module                             *struct{ Path string }
	Imports, TestImports, XTestImports []string
	GoFiles, TestGoFiles, XTestGoFiles []string
}

// short is the path of our own package inside the module, "" at its root.
func short(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// list gives what `go list` knows, by import path.
func list(t *testing.T, args ...string) map[string]pkg {
	t.Helper()
	var stderr strings.Builder
	command := exec.Command("go", append([]string{"list", "-json"}, args...)...)
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	packages := map[string]pkg{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath] = p
	}
}

func TestImportsPointOneWay(t *testing.T) {
	for path, p := range list(t, "./...") {
		name := short(path)
		allowed, known := arrows[name]
		if !known {
			t.Errorf("%s: a new package: say in this test what it may import, and in CONTRIBUTING.md why it is there", path)
		}
		mustImportOnly(t, name, p.Imports, allowed)
		allowed = append(slices.Clone(allowed), name) // package x_test imports x
		mustImportOnly(t, name+" (tests)", append(p.TestImports, p.XTestImports...), append(allowed, arrowsOfTests[name]...))
	}
}

func mustImportOnly(t *testing.T, name string, imports, allowed []string) {
	t.Helper()
	for _, path := range imports {
		if ours(path) && !slices.Contains(allowed, short(path)) {
			t.Errorf("%s imports %s, against the arrows", name, short(path))
		}
	}
}

// A foreign library shows in one package, so that replacing it is a change to one package.
func TestOnePackageImportsAForeignModule(t *testing.T) {
	for path, p := range everything(t) {
		if !ours(path) {
			continue
		}
		for _, m := range foreign(t, p) {
			switch allowed, known := owners[m]; {
			case !known:
				t.Errorf("%s imports %s: a new dependency needs a line in this test and a reason in CONTRIBUTING.md", short(path), m)
			case !slices.Contains(allowed, short(path)):
				t.Errorf("%s imports %s, which is for %s alone", short(path), m, strings.Join(allowed, ", "))
			}
		}
	}
}

// everything is our packages and all that they are built from, asked once.
func everything(t *testing.T) map[string]pkg {
	t.Helper()
	if packages == nil {
		packages = list(t, "-deps", "./...")
	}
	return packages
}

var packages map[string]pkg

// foreign gives the modules, other than ours and the standard library, that p imports itself.
func foreign(t *testing.T, p pkg) (found []string) {
	t.Helper()
	for _, path := range p.Imports {
		if m := everything(t)[path].Module; m != nil && m.Path != module && !slices.Contains(found, m.Path) {
			found = append(found, m.Path)
		}
	}
	return found
}

func TestRulesAreStandardLibraryOnly(t *testing.T) {
	for path, p := range list(t, "-deps", "./extauthz/rules") {
		if !p.Standard && short(path) != "extauthz/rules" {
			t.Errorf("extauthz/rules depends on %s", path)
		}
	}
}

// The binary is built from few modules, and each has its reason in CONTRIBUTING.md.
func TestDirectDependenciesAreFewAndExplained(t *testing.T) {
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	var direct []string
	for path, p := range list(t, "-deps", "./cmd/keygate") {
		if ours(path) {
			direct = append(direct, foreign(t, p)...)
		}
	}
	slices.Sort(direct)
	direct = slices.Compact(direct)
	t.Logf("%d direct dependencies", len(direct))
	if len(direct) == 0 || len(direct) > maxDirect {
		t.Errorf("%d direct dependencies, want at most %d: %s", len(direct), maxDirect, strings.Join(direct, " "))
	}
	explained := explainedModules(string(text))
	for _, m := range direct {
		if !slices.Contains(explained, m) {
			t.Errorf("CONTRIBUTING.md gives no reason for %s: add the row | `%s` | reason |", m, m)
		}
	}
	for _, m := range explained {
		if !slices.Contains(direct, m) {
			t.Errorf("CONTRIBUTING.md explains %s, which the binary does not import", m)
		}
	}
}

// explainedModules are the rows | `module` | reason | of a table, those with a reason.
func explainedModules(text string) (found []string) {
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || strings.TrimSpace(cells[2]) == "" {
			continue
		}
		name := strings.Trim(strings.TrimSpace(cells[1]), "`")
		if host, _, _ := strings.Cut(name, "/"); strings.Contains(host, ".") {
			found = append(found, name)
		}
	}
	return found
}

func TestNamesSayWhatIsInside(t *testing.T) {
	for path, p := range list(t, "./...") {
		names := append([]string{p.Name}, strings.Split(short(path), "/")...)
		for _, file := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			names = append(names, strings.Split(strings.TrimSuffix(strings.TrimSuffix(file, ".go"), "_test"), "_")...)
		}
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			if slices.Contains(vague, name) {
				t.Errorf("%s: %q says nothing about what is inside", path, name)
			}
		}
	}
}

// source is a parsed file.
type source struct {
	name   string
	file   *ast.File
	places *token.FileSet
}

// sources parses every Go file of the module, tests or code, whatever it is built for.
func sources(t *testing.T, tests bool) (found []source) {
	t.Helper()
	for _, p := range list(t, "./...") {
		names, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") != tests {
				continue
			}
			places := token.NewFileSet()
			file, err := parser.ParseFile(places, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, source{name, file, places})
		}
	}
	return found
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	var lengths []int
	for _, s := range sources(t, false) {
		if n := s.places.Position(s.file.FileEnd).Line; n > maxFileLines {
			t.Errorf("%s has %d lines, want at most %d", s.name, n, maxFileLines)
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				lengths = append(lengths, 1+s.places.Position(f.End()).Line-s.places.Position(f.Pos()).Line)
			}
		}
	}
	slices.Sort(lengths)
	median, ninety := lengths[len(lengths)/2], lengths[len(lengths)*9/10]
	t.Logf("%d functions, half of them up to %d lines, nine in ten up to %d", len(lengths), median, ninety)
	if median > maxMedianFunc {
		t.Errorf("the median function has %d lines, want at most %d", median, maxMedianFunc)
	}
}

// A test that sleeps is too slow on every machine but the one on which it is too quick.
func TestTestsDoNotSleep(t *testing.T) {
	for _, s := range sources(t, true) {
		clock := importName(s.file, "time")
		ast.Inspect(s.file, func(n ast.Node) bool {
			if e, ok := n.(*ast.SelectorExpr); ok && e.Sel.Name == "Sleep" {
				if x, ok := e.X.(*ast.Ident); ok && x.Name == clock {
					t.Errorf("%s sleeps: wait for a condition, with a bound", s.places.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

// importName is what file calls the package at path, "" when it does not import it.
func importName(file *ast.File, path string) string {
	for _, spec := range file.Imports {
		if value, _ := strconv.Unquote(spec.Path.Value); value != path {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path
	}
	return ""
}

// The image is built from a few folders alone: each that the binary is made of is one of them.
func TestTheImageHoldsWhatTheBinaryIsBuiltFrom(t *testing.T) {
	text, err := os.ReadFile(".dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	kept := strings.Split(string(text), "\n")
	for path := range list(t, "-deps", "./cmd/keygate") {
		if folder, _, _ := strings.Cut(short(path), "/"); ours(path) && !slices.Contains(kept, "!"+folder) {
			t.Errorf(".dockerignore leaves out %s, of which the binary is built", folder)
		}
	}
}
