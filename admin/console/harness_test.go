package console

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mustPages are the templates.
func mustPages(t testing.TB) *Pages {
	t.Helper()
	assets, err := NewAssets()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := NewPages(assets)
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func mustRender(t testing.TB, pages *Pages, s state) string {
	t.Helper()
	html, err := pages.Render(s.frame, s.page)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	return string(html)
}

// missing skips the test, or fails it where KEYGATE_REQUIRE_BROWSER=1 says that
// everything is there.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("KEYGATE_REQUIRE_BROWSER") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// chromium is the browser of this machine: $CHROMIUM, or the first on PATH.
func chromium(t testing.TB) string {
	t.Helper()
	if given := os.Getenv("CHROMIUM"); given != "" {
		return given
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "no Chromium: apt-get install chromium, or set CHROMIUM")
	return ""
}

// axe is the source of axe-core, fetched on the first run.
func axe(t testing.TB) string {
	t.Helper()
	command := exec.Command("./fetch.sh")
	var talk strings.Builder
	command.Stderr = &talk
	path, err := command.Output()
	if err != nil {
		missing(t, "no axe-core: "+talk.String())
	}
	source, err := os.ReadFile(strings.TrimSpace(string(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// newBrowser starts a Chromium whose first tab is the context that it returns. It
// finds keys.test on this machine, and believes every certificate.
func newBrowser(t testing.TB) context.Context {
	t.Helper()
	// Not t.TempDir: a child of the browser may still write to it for a moment.
	home, err := os.MkdirTemp("", "keygate-chromium")
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(home), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("host-resolver-rules", "MAP keys.test 127.0.0.1"), chromedp.IgnoreCertErrors)
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeTab := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // the browser closes by itself, and is waited for
		closeTab()
		end()
		_ = os.RemoveAll(home)
	})
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}

// screenshots is a new folder for pictures, which git ignores.
func screenshots(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs("../../.cache/screenshots/console")
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
