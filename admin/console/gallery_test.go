package console

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// looks are the ways in which each page is looked at.
var looks = []struct {
	scheme string
	width  int64
}{{"light", 1280}, {"light", 360}, {"dark", 1280}, {"dark", 360}}

// Every page, in every state, in a real browser: nothing for axe to find in either
// colour scheme, no complaint of the browser, nothing wider than a narrow phone.
// The pictures are for people: .cache/screenshots/console.
func TestGallery(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the gallery takes a minute")
	}
	site := httptest.NewServer(galleryHandler(t))
	t.Cleanup(site.Close)
	states, source, dir := allStates(), axe(t), screenshots(t)
	for i := range windows {
		t.Run(fmt.Sprintf("window %d", i), func(t *testing.T) {
			t.Parallel()
			g := newGallery(t, site.URL)
			g.dir = dir
			g.run(t, addScript(source))
			for n := i; n < len(states); n += windows {
				t.Run(states[n].name, func(t *testing.T) { g.visit(t, states[n].name) })
			}
		})
	}
}

// windows are browsers that share the pages. Tabs of one browser will not do: those in
// the background draw nothing.
const windows = 2

// gallery is a browser, and a server that has the pages at /state/NAME.
type gallery struct {
	ctx  context.Context
	site string
	dir  string

	mu         sync.Mutex
	complaints []string // of the browser, since the last page
}

// newGallery starts a browser that notes what it complains about.
func newGallery(t *testing.T, site string) *gallery {
	t.Helper()
	g := &gallery{ctx: newBrowser(t), site: site}
	chromedp.ListenTarget(g.ctx, g.listen)
	g.run(t, log.Enable())
	return g
}

func galleryHandler(t *testing.T) http.Handler {
	pages := mustPages(t)
	mux := http.NewServeMux()
	mux.Handle("GET "+assetRoot, pages.assets)
	for _, s := range allStates() {
		html := mustRender(t, pages, s)
		mux.HandleFunc("GET /state/"+s.name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", Policy)
			w.Header().Set("Cache-Control", "no-store")
			_, _ = w.Write([]byte(html))
		})
	}
	return mux
}

// addScript has the browser run source in every page, which the page's policy
// does not hinder.
func addScript(source string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(source).Do(ctx)
		return err
	})
}

func (g *gallery) run(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(g.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// listen notes what the browser complains about: a blocked style, a script that
// threw, a file that is not there.
func (g *gallery) listen(event any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		g.complaints = append(g.complaints, string(e.Entry.Level)+": "+e.Entry.Text)
	case *runtime.EventExceptionThrown:
		g.complaints = append(g.complaints, "exception: "+e.ExceptionDetails.Error())
	case *page.EventJavascriptDialogOpening:
		g.complaints = append(g.complaints, "dialog: "+e.Message)
	}
}

func (g *gallery) visit(t *testing.T, name string) {
	for _, look := range looks {
		g.run(t,
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}),
			emulation.SetDeviceMetricsOverride(look.width, 800, 1, false),
			chromedp.Navigate(g.site+"/state/"+name))
		g.photograph(t, fmt.Sprintf("%s-%s-%d", name, look.scheme, look.width))
		if g.openAll(t) {
			g.photograph(t, fmt.Sprintf("%s-open-%s-%d", name, look.scheme, look.width))
		}
		g.mustPassAxe(t, look.scheme, look.width)
	}
	g.mustFit(t, 320)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, complaint := range g.complaints {
		t.Errorf("the browser complains: %s", complaint)
	}
	g.complaints = nil
}

// openAll opens what is folded away, and tells whether anything was.
func (g *gallery) openAll(t *testing.T) (any bool) {
	t.Helper()
	g.run(t, chromedp.Evaluate(`(() => {
		const closed = document.querySelectorAll('details:not([open])');
		closed.forEach((d) => { d.open = true; });
		return closed.length > 0;
	})()`, &any))
	return any
}

// mustPassAxe wants no finding of axe in the page as it stands.
func (g *gallery) mustPassAxe(t *testing.T, scheme string, width int64) {
	t.Helper()
	var found []string
	g.run(t, chromedp.Evaluate(`axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations.flatMap(
		(v) => v.nodes.map((n) => v.id + ': ' + n.html.slice(0, 160) + ' ' + n.failureSummary.replace(/\s+/g, ' '))))`, &found, awaited))
	for _, finding := range found {
		t.Errorf("%s, %d px: axe: %s", scheme, width, finding)
	}
}

// awaited is for the value of a promise.
func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// mustFit wants no sideways scrolling of the page, which has everything opened.
func (g *gallery) mustFit(t *testing.T, width int64) {
	t.Helper()
	var needs int64
	var culprits []string
	g.run(t, emulation.SetDeviceMetricsOverride(width, 640, 1, false),
		chromedp.Evaluate(`document.documentElement.scrollWidth`, &needs),
		chromedp.Evaluate(`[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 &&
			!e.closest('.scroll, .vh, .crumbs, .bars')).slice(0, 5).map((e) => e.outerHTML.slice(0, 120))`, &culprits))
	if needs > width || len(culprits) > 0 {
		t.Errorf("at %d px the page needs %d: %s", width, needs, strings.Join(culprits, "\n"))
	}
}

func (g *gallery) photograph(t *testing.T, name string) {
	t.Helper()
	var picture []byte
	g.run(t, chromedp.FullScreenshot(&picture, 100))
	if err := os.WriteFile(filepath.Join(g.dir, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}
