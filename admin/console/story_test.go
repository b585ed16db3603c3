package console

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/antinium/keygate/keystore"
)

// tab is a tab of a real browser at a real console.
type tab struct {
	*gallery
	world *world
}

// newTab starts a browser. Whatever it complains about fails the test.
func (w *world) newTab(t *testing.T) *tab {
	t.Helper()
	b := &tab{newGallery(t, w.url), w}
	b.run(t, cdpbrowser.SetPermission(&cdpbrowser.PermissionDescriptor{Name: "clipboard-read"}, cdpbrowser.PermissionSettingGranted))
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, complaint := range b.complaints {
			if !strings.Contains(complaint, "Failed to load resource") { // an answer of 4xx, which is a page
				t.Errorf("the browser complains: %s", complaint)
			}
		}
	})
	return b
}

func (b *tab) open(t *testing.T, path string) {
	t.Helper()
	b.run(t, chromedp.Navigate(b.site+path))
}

// submit clicks a button, found by its words, and waits for a page with these words in its heading.
func (b *tab) submit(t *testing.T, button, heading string) {
	t.Helper()
	b.click(t, button)
	b.mustBeAt(t, heading)
}

func (b *tab) click(t *testing.T, words string) {
	t.Helper()
	b.run(t, chromedp.Click(fmt.Sprintf(`//*[self::button or self::a or self::summary][contains(normalize-space(.), %q)]`, words), chromedp.BySearch))
}

// mustBeAt waits until a heading or a notice of the page has these words.
func (b *tab) mustBeAt(t *testing.T, heading string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.WaitVisible(fmt.Sprintf(`//*[self::h1 or self::h2 or contains(@class, "notice")][contains(normalize-space(.), %q)]`, heading), chromedp.BySearch)); err != nil {
		t.Fatalf("no page with %q: %v\n%s", heading, err, b.text(t))
	}
}

func (b *tab) text(t *testing.T) (text string) {
	t.Helper()
	b.run(t, chromedp.Evaluate(`document.body.innerText`, &text))
	return text
}

func (b *tab) html(t *testing.T) (html string) {
	t.Helper()
	b.run(t, chromedp.Evaluate(`document.documentElement.outerHTML + [...document.querySelectorAll('input,textarea')].map((e) => e.value).join(' ')`, &html))
	return html
}

func (b *tab) signIn(t *testing.T, text string) {
	t.Helper()
	b.open(t, signInPath)
	b.run(t, chromedp.SendKeys("#field-key", text, chromedp.ByID))
	b.submit(t, "Sign in", "API Keys")
}

// create makes a key by the form and returns its text.
func (b *tab) create(t *testing.T, name string) (secret string) {
	t.Helper()
	b.open(t, "/console/keys/new")
	b.run(t, chromedp.SendKeys("#field-name", name, chromedp.ByID), chromedp.Click(`input[value="write"]`, chromedp.ByQuery))
	b.submit(t, "Create key", "Your new key")
	b.run(t, chromedp.Value("#secret", &secret, chromedp.ByID))
	return secret
}

// The whole story of a key, with JavaScript and without: made, used, renamed, rotated,
// revoked; and its text is nowhere but where it was shown.
func TestStory(t *testing.T) {
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts %v", scripts), func(t *testing.T) {
			w := newWorld(t, "")
			_, manager := w.full(t)
			b := w.newTab(t)
			b.run(t, emulation.SetScriptExecutionDisabled(!scripts))
			b.signIn(t, manager)
			secret := b.create(t, markup)
			r, err := w.store.Lookup(secret)
			if err != nil {
				t.Fatalf("the text that was shown: %v", err)
			}
			b.mustForget(t, secret)
			b.open(t, keyPath(r.ID))
			b.click(t, "Rename")
			b.run(t, chromedp.SetValue("#field-name", "renamed "+markup, chromedp.ByID))
			b.submit(t, "Save name", "renamed <img")
			b.submit(t, "Rotate", "Rotate renamed")
			b.submit(t, "Rotate key", "Your new key")
			b.open(t, keyPath(r.ID))
			b.submit(t, "Revoke", "Revoke renamed")
			b.submit(t, "Revoke key", "Key revoked")
			if ended := must(w.store.Lookup(secret))(t); ended.RevokedAt.IsZero() {
				t.Error("the key is not revoked")
			}
			b.submit(t, "Sign out", "You are signed out")
			b.open(t, listPath)
			b.mustBeAt(t, "Sign in")
			if strings.Contains(w.log.String(), secret) || strings.Contains(w.log.String(), manager) {
				t.Error("the log holds the text of a key")
			}
		})
	}
}

// mustForget leaves the page with a key's text, comes back, and reloads: nothing
// shows the text again, and no second key is made.
func (b *tab) mustForget(t *testing.T, secret string) {
	t.Helper()
	b.run(t, chromedp.Reload())
	b.mustBeAt(t, "This form was used already")
	b.mustNotShow(t, "reload", secret)
	b.open(t, listPath)
	for range 3 {
		b.back(t)
		b.mustNotShow(t, "back", secret)
	}
	b.open(t, listPath)
}

// back goes one page back and waits until the browser is there. A page that is the
// answer to a form may be an error of the browser's own then.
func (b *tab) back(t *testing.T) {
	t.Helper()
	b.run(t, chromedp.ActionFunc(func(ctx context.Context) error {
		at, entries, err := page.GetNavigationHistory().Do(ctx)
		if err != nil || at == 0 {
			return err
		}
		if err := page.NavigateToHistoryEntry(entries[at-1].ID).Do(ctx); err != nil {
			return err
		}
		return until(ctx, func() bool {
			now, _, err := page.GetNavigationHistory().Do(ctx)
			state, _, _ := runtime.Evaluate(`document.readyState`).Do(ctx)
			return err == nil && now == at-1 && state != nil && string(state.Value) == `"complete"`
		})
	}))
}

// until asks again and again whether something is so, until ctx ends.
func until(ctx context.Context, isSo func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !isSo() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

func (b *tab) mustNotShow(t *testing.T, how, secret string) {
	t.Helper()
	var stored string
	b.run(t, chromedp.Evaluate(`location.href + JSON.stringify(history.state) + (() => { try { return JSON.stringify({...localStorage, ...sessionStorage}) } catch { return '' } })()`, &stored))
	page := b.html(t)
	if strings.Contains(page+stored, secret) {
		t.Errorf("%s: the text of the key is there again", how)
	}
	if len(page) < 500 {
		t.Errorf("%s: that is no page: %s", how, page)
	}
}

// Straight back to the page with the text, without a reload in between.
func TestBackToTheText(t *testing.T) {
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts %v", scripts), func(t *testing.T) {
			w := newWorld(t, "")
			_, manager := w.full(t)
			b := w.newTab(t)
			b.run(t, emulation.SetScriptExecutionDisabled(!scripts))
			b.signIn(t, manager)
			secret := b.create(t, "left")
			b.submit(t, "Done", "left")
			b.back(t)
			b.mustNotShow(t, "back", secret)
		})
	}
}

// Copying puts the text into the clipboard; where there is none the text is
// selected, and the page says so.
func TestCopy(t *testing.T) {
	w := newWorld(t, "")
	_, manager := w.full(t)
	b := w.newTab(t)
	b.signIn(t, manager)
	secret := b.create(t, "copied")
	b.click(t, "Copy key")
	b.mustSay(t, "#secret-said", "Copied.")
	var clip, selected string
	b.run(t, chromedp.Evaluate(`navigator.clipboard.readText()`, &clip, awaited))
	if clip != secret {
		t.Errorf("the clipboard has %d characters that are not the key", len(clip))
	}
	b.run(t, chromedp.Evaluate(`Object.defineProperty(navigator, 'clipboard', {value: undefined})`, nil))
	b.click(t, "Copy key")
	b.mustSay(t, "#secret-said", "Selected: copy it with Ctrl+C or ⌘C.")
	b.run(t, chromedp.Evaluate(`(() => { const s = document.getElementById('secret'); return s.value.slice(s.selectionStart, s.selectionEnd); })()`, &selected))
	if selected != secret {
		t.Errorf("%d characters are selected", len(selected))
	}
	b.click(t, "Copy the command")
	b.mustSay(t, "#try-said", "Selected: copy it with Ctrl+C or ⌘C.")
	b.run(t, chromedp.Evaluate(`getSelection().toString()`, &selected))
	if !strings.HasPrefix(selected, "read -rs KEY && curl "+documentedTryURL) || strings.Contains(selected, secret) {
		t.Errorf("selected %q", selected)
	}
}

func (b *tab) mustSay(t *testing.T, selector, words string) {
	t.Helper()
	b.run(t, chromedp.PollFunction(`(selector, words) => document.querySelector(selector)?.textContent === words`, nil,
		chromedp.WithPollingArgs(selector, words), chromedp.WithPollingTimeout(10*time.Second)))
}

// A double tap sends the form once, so that the answer with the text is the one
// that is seen. A form that comes back from the browser's memory can be sent again.
func TestDoubleTap(t *testing.T) {
	w := newWorld(t, "")
	_, manager := w.full(t)
	b := w.newTab(t)
	b.signIn(t, manager)
	b.open(t, "/console/keys/new")
	var sent []bool
	b.run(t, chromedp.Evaluate(`(() => {
		const tap = () => document.querySelector('form[data-once]').dispatchEvent(new SubmitEvent('submit', {cancelable: true}));
		const taps = [tap(), tap(), tap()];
		dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}));
		return [...taps, tap()];
	})()`, &sent))
	if !slices.Equal(sent, []bool{true, false, false, true}) {
		t.Errorf("of three taps and one after the return these are sent: %v", sent)
	}
	b.open(t, "/console/keys/new")
	b.run(t, chromedp.SendKeys("#field-name", "tapped", chromedp.ByID),
		chromedp.Evaluate(`(() => { const f = document.querySelector('form[data-once]'); f.requestSubmit(); f.requestSubmit(); f.requestSubmit(); })()`, nil))
	b.mustBeAt(t, "Your new key")
	keys, _, err := w.store.List(keystore.Filter{NamePrefix: "tapped"}, "", 10)
	if err != nil || len(keys) != 1 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

// The filter hides keys as one types, and says how many are left.
func TestFilterAsYouType(t *testing.T) {
	w := newWorld(t, "")
	_, manager := w.full(t)
	r, _ := w.key(t, keystore.NewKey{Name: "Nightly Import", Permission: keystore.Read})
	b := w.newTab(t)
	b.signIn(t, manager)
	b.run(t, chromedp.SendKeys("#filter-q", "nightly", chromedp.ByID))
	b.mustSay(t, "[data-filter-said]", "1 of 2 on this page matches. Press Enter to search all keys.")
	var shown []string
	b.run(t, chromedp.Evaluate(`[...document.querySelectorAll('#keys tbody tr')].filter((r) => r.offsetParent !== null).map((r) => r.querySelector('a').textContent)`, &shown))
	if len(shown) != 1 || shown[0] != "Nightly Import" {
		t.Errorf("shown: %q", shown)
	}
	b.run(t, chromedp.SetValue("#filter-q", r.Last4, chromedp.ByID), chromedp.Submit("#filter-q", chromedp.ByID))
	b.mustBeAt(t, "API Keys")
	if text := b.text(t); !strings.Contains(text, "Nightly Import") {
		t.Errorf("the server finds: %s", text)
	}
}

// With the keyboard alone: the skip link, then the menu, and a form from field to button.
func TestKeyboard(t *testing.T) {
	w := newWorld(t, "")
	_, manager := w.full(t)
	b := w.newTab(t)
	b.signIn(t, manager)
	b.open(t, "/console/keys/new")
	var order []string
	for range 16 {
		var at string
		b.run(t, chromedp.KeyEvent("\t"), chromedp.Evaluate(`(document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim() || document.activeElement.name).slice(0, 24)`, &at))
		order = append(order, at)
	}
	want := "Skip to the content, keygate, API Keys, Audit log, Sign out, API Keys, name, permission, expires, Labels (optional), Create key, Cancel"
	if got := strings.Join(order, ", "); !strings.HasPrefix(got, want) {
		t.Errorf("the focus goes %s\nwant %s", got, want)
	}
	b.open(t, "/console/keys/new")
	b.run(t, chromedp.Focus("#field-name", chromedp.ByID), chromedp.KeyEvent("typed\r"))
	b.mustBeAt(t, "Your new key")
}
