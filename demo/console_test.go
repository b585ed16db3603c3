package demo_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// The demo, and then only a browser: a key is made, used through Envoy, renamed, rotated and revoked, with JavaScript
// and without; and nothing that anybody wrote on the way holds the text of a key, but for the one page that shows it.
func TestDemoInABrowser(t *testing.T) {
	d := startDemo(t, freePorts(t))
	d.readUntilUp(t)
	secrets := regexp.MustCompile(`ant_[0-9A-Za-z]{49}`).FindAllString(d.text, -1)
	for _, scripted := range []bool{true, false} {
		t.Run(fmt.Sprintf("JavaScript %v", scripted), func(t *testing.T) {
			secrets = append(secrets, d.story(t, scripted)...)
		})
	}
	d.mustHoldNone(t, secrets)
	_ = d.cmd.Cancel()
	_ = d.cmd.Wait()
	for _, secret := range secrets { // which nobody writes to any more
		if strings.Contains(d.stderr.String(), secret) {
			t.Error("standard error holds the text of a key")
		}
	}
}

// story goes through the console from a one-time link on, and returns the texts of the keys it made.
func (d *demo) story(t *testing.T, scripted bool) (texts []string) {
	t.Helper()
	v := d.newVisitor(t, scripted)
	name := fmt.Sprintf("browser %v", scripted)
	v.do(t, chromedp.Navigate(d.link(t)))
	v.press(t, "Sign in", "API Keys")
	v.do(t, chromedp.Navigate(d.console()+"/console/keys/new"), chromedp.SendKeys("#field-name", name, chromedp.ByID),
		chromedp.Click(`input[value="write"]`, chromedp.ByQuery))
	key := v.pressForKey(t, "Create key")
	if page := v.page(t); !strings.Contains(page, "be able to see it again") || !strings.Contains(page, "curl http://127.0.0.1:"+d.ports[0]+"/v1/documents") {
		t.Errorf("the page of a new key: %s", page)
	}
	d.mustAnswer(t, key, 200)

	v.do(t, chromedp.Navigate(d.console()+"/console/keys"))
	v.press(t, name, name)
	id := v.at(t)
	d.mustCount(t, v, id)
	v.do(t, chromedp.Navigate(id))
	v.click(t, "Rename")
	name += ", renamed"
	v.do(t, chromedp.SetValue("#field-name", name, chromedp.ByID))
	v.press(t, "Save name", name)
	d.mustAnswer(t, key, 200)

	v.press(t, "Rotate", "Rotate "+name)
	fresh := v.pressForKey(t, "Rotate key")
	d.mustAnswer(t, fresh, 200)
	d.mustAnswer(t, key, 200) // the overlap

	v.do(t, chromedp.Navigate(id))
	v.press(t, "Revoke", "Revoke "+name)
	v.click(t, "Revoke key")
	v.do(t, chromedp.WaitVisible(`//h1/following-sibling::p[contains(., "Revoked")]`, chromedp.BySearch))
	d.mustAnswer(t, key, 401) // from the moment that the page is there
	d.mustAnswer(t, fresh, 200)
	v.mustHaveSeenOnce(t, key)
	v.mustHaveSeenOnce(t, fresh)
	return []string{key, fresh}
}

func (d *demo) console() string { return "http://127.0.0.1:" + d.ports[2] }

// link makes a new one-time link, as the demo says.
func (d *demo) link(t *testing.T) string {
	t.Helper()
	out := d.shell(t, regexp.MustCompile(`(?m)^    (.* console-link .*)$`))
	found := regexp.MustCompile(`http://\S+`).FindString(out)
	if !strings.HasPrefix(found, d.console()) || !strings.Contains(d.text, d.console()+"/console/link") {
		t.Fatalf("link %q, of which the demo says:\n%s", out, d.text)
	}
	return found
}

// mustAnswer calls the API through Envoy.
func (d *demo) mustAnswer(t *testing.T, key string, want int) {
	t.Helper()
	if got := curl(t, fmt.Sprintf("curl -X POST http://127.0.0.1:%s/v1/documents -H 'Authorization: Bearer %s'", d.ports[0], key)); got != fmt.Sprint(want) {
		t.Errorf("got %s, want %d", got, want)
	}
}

// mustCount waits until the page about a key's usage shows the one call that was made.
func (d *demo) mustCount(t *testing.T, v *visitor, id string) {
	t.Helper()
	v.do(t, chromedp.Navigate(id+"/usage"))
	if page := v.page(t); !strings.Contains(page, "<svg") || !strings.Contains(page, "allowed") || !strings.Contains(page, "127.0.0.1") {
		t.Errorf("the usage page: %s", page)
	}
}

// mustHoldNone looks through every file that the demo wrote, and through the metrics.
func (d *demo) mustHoldNone(t *testing.T, secrets []string) {
	t.Helper()
	if len(secrets) < 7 {
		t.Fatalf("%d texts of keys were seen, want 7 and more", len(secrets))
	}
	seen := map[string]int{}
	check := func(name string, data []byte) {
		seen[filepath.Base(name)] += len(data)
		for _, secret := range secrets {
			if strings.Contains(string(data), secret) {
				t.Errorf("%s holds the text of a key", name)
			}
		}
	}
	err := filepath.WalkDir(d.temp, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || entry.Name() == "go-httpbin" {
			return err
		}
		data, err := os.ReadFile(name)
		check(name, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get("http://127.0.0.1:" + d.ports[3] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	metrics, _ := io.ReadAll(answer.Body)
	check("metrics", metrics)
	for _, name := range []string{"keys.db", "usage.db", "keygate.log", "metrics"} {
		if seen[name] == 0 {
			t.Errorf("%s was not looked at: %v", name, seen)
		}
	}
}

// visitor is a person at a browser.
type visitor struct {
	ctx context.Context

	mu    sync.Mutex
	pages map[network.RequestID]string // the address of each page that came, by its request
}

func (d *demo) newVisitor(t *testing.T, scripted bool) *visitor {
	t.Helper()
	v := &visitor{ctx: newBrowser(t), pages: map[network.RequestID]string{}}
	chromedp.ListenTarget(v.ctx, func(event any) {
		if got, ok := event.(*network.EventResponseReceived); ok {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.pages[got.RequestID] = got.Response.URL
		}
	})
	v.do(t, network.Enable(), emulation.SetScriptExecutionDisabled(!scripted))
	return v
}

// patient bounds one step of a visitor.
const patient = 30 * time.Second

func (v *visitor) do(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patient)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatalf("%v\n%s", err, v.page(t))
	}
}

func (v *visitor) click(t *testing.T, words string) {
	t.Helper()
	v.do(t, chromedp.Click(fmt.Sprintf(`//*[self::button or self::a or self::summary][contains(normalize-space(.), %q)]`, words), chromedp.BySearch))
}

// press clicks on a link or button with these words, and waits for the page with that heading.
func (v *visitor) press(t *testing.T, words, heading string) {
	t.Helper()
	v.click(t, words)
	v.do(t, chromedp.WaitVisible(fmt.Sprintf(`//h1[contains(normalize-space(.), %q)]`, heading), chromedp.BySearch))
}

// pressForKey is press where the next page shows a new key.
func (v *visitor) pressForKey(t *testing.T, words string) (text string) {
	t.Helper()
	v.press(t, words, "Your new key")
	v.do(t, chromedp.Value("#secret", &text, chromedp.ByID))
	if len(text) != 53 || strings.Contains(v.at(t), text) {
		t.Fatalf("a text of %d characters at %s", len(text), v.at(t))
	}
	return text
}

func (v *visitor) page(t *testing.T) (html string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patient)
	defer cancel()
	_ = chromedp.Run(ctx, chromedp.OuterHTML("html", &html, chromedp.ByQuery))
	return html
}

func (v *visitor) at(t *testing.T) (url string) {
	t.Helper()
	v.do(t, chromedp.Location(&url))
	return url
}

// mustHaveSeenOnce looks through everything that the browser received: one page showed the text.
func (v *visitor) mustHaveSeenOnce(t *testing.T, secret string) {
	t.Helper()
	v.mu.Lock()
	pages := maps.Clone(v.pages) // the browser goes on to tell of others
	v.mu.Unlock()
	ctx, cancel := context.WithTimeout(v.ctx, patient)
	defer cancel()
	shown := 0
	for id, url := range pages {
		var body []byte
		_ = chromedp.Run(ctx, chromedp.ActionFunc(func(ctx context.Context) (err error) {
			body, err = network.GetResponseBody(id).Do(ctx)
			return err
		}))
		if strings.Contains(url, secret) {
			t.Error("an address holds the text of a key")
		}
		if strings.Contains(string(body), secret) {
			shown++
		}
	}
	if err := ctx.Err(); err != nil {
		t.Errorf("looking through what the browser received: %v", err)
	}
	if shown > 1 {
		t.Errorf("%d answers hold the text of a key, want the one that shows it", shown)
	}
}

// newBrowser starts a Chromium of its own. Without one the test is skipped, or fails where KEYGATE_REQUIRE_BROWSER=1
// says that this machine should have one.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	switch {
	case err != nil && os.Getenv("KEYGATE_REQUIRE_BROWSER") == "1":
		t.Fatal("no Chromium: apt-get install chromium")
	case err != nil:
		t.Skip("no Chromium: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(tempFolder(t)),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeTab := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(func() {
		closeTab()
		end()
		chromedp.FromContext(ctx).Allocator.Wait()
	})
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}
