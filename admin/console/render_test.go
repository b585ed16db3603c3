package console

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// elements are all elements of a page.
func elements(t testing.TB, page string) (found []*html.Node) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			found = append(found, n)
		}
	}
	return found
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// eachPage calls check with every page in every state.
func eachPage(t *testing.T, check func(t *testing.T, s state, page string)) {
	pages := mustPages(t)
	for _, s := range allStates() {
		t.Run(s.name, func(t *testing.T) { check(t, s, mustRender(t, pages, s)) })
	}
}

// What Policy forbids is in no page; a browser would leave it out, and the page
// would look or work otherwise than here.
func TestNoPageHasInlineCode(t *testing.T) {
	eachPage(t, func(t *testing.T, _ state, page string) {
		for _, e := range elements(t, page) {
			if e.Data == "style" || e.Data == "iframe" || e.Data == "img" || e.Data == "script" && (attr(e, "src") == "" || e.FirstChild != nil) {
				t.Errorf("a <%s> in the page", e.Data)
			}
			for _, a := range e.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(strings.TrimSpace(a.Val), "javascript:") {
					t.Errorf("<%s %s=%q>", e.Data, a.Key, a.Val)
				}
			}
		}
	})
}

// Every form that changes something goes to our own server and carries the
// session's token; every link and file is our own.
func TestFormsAndLinksAreOurOwn(t *testing.T) {
	eachPage(t, func(t *testing.T, s state, page string) {
		for _, e := range elements(t, page) {
			for _, name := range []string{"href", "src", "action"} {
				if to := attr(e, name); to != "" && !strings.HasPrefix(to, "/console/") && !strings.HasPrefix(to, "#") {
					t.Errorf("<%s %s=%q>", e.Data, name, to)
				}
			}
			if e.Data == "form" && attr(e, "method") == "post" && !hasToken(e, s.frame.Token) {
				t.Errorf("the form to %s has no token", attr(e, "action"))
			}
		}
	})
}

func hasToken(form *html.Node, token string) bool {
	for n := range form.Descendants() {
		if attr(n, "name") == "csrf" {
			return attr(n, "value") == token
		}
	}
	return false
}

// An id is given once, and what refers to one finds it.
func TestReferencesLeadSomewhere(t *testing.T) {
	eachPage(t, func(t *testing.T, _ state, page string) {
		var ids []string
		all := elements(t, page)
		for _, e := range all {
			if id := attr(e, "id"); id != "" {
				if slices.Contains(ids, id) {
					t.Errorf("id %q twice", id)
				}
				ids = append(ids, id)
			}
		}
		for _, e := range all {
			wanted := strings.Fields(attr(e, "for") + " " + attr(e, "aria-describedby") + " " + attr(e, "aria-labelledby") + " " + attr(e, "data-copy") + " " + attr(e, "data-said"))
			if to, local := strings.CutPrefix(attr(e, "href"), "#"); local {
				wanted = append(wanted, to)
			}
			for _, id := range wanted {
				if !slices.Contains(ids, id) {
					t.Errorf("<%s> refers to %q, which is not there", e.Data, id)
				}
			}
		}
	})
}

// Fields that may hold a key, or what must be exact, are left alone by the browser.
func TestExactFieldsAreLeftAlone(t *testing.T) {
	eachPage(t, func(t *testing.T, _ state, page string) {
		for _, e := range elements(t, page) {
			exact := slices.Contains([]string{"key", "q", "account", "workspace", "labels"}, attr(e, "name")) || attr(e, "id") == "secret"
			if !exact || e.Data != "input" && e.Data != "textarea" {
				continue
			}
			for name, want := range map[string]string{"autocomplete": "off", "autocorrect": "off", "autocapitalize": "none", "spellcheck": "false"} {
				if got := attr(e, name); got != want {
					t.Errorf("field %s%s: %s=%q, want %q", attr(e, "name"), attr(e, "id"), name, got, want)
				}
			}
		}
	})
}

// A key's text is on the page that shows it once, and there once.
func TestTheTextIsInOnePage(t *testing.T) {
	eachPage(t, func(t *testing.T, s state, page string) {
		want := 0
		if _, shows := s.page.(ShownKey); shows {
			want = 1
		}
		if got := strings.Count(page, sampleKey); got != want {
			t.Errorf("the key's text is there %d times, want %d", got, want)
		}
	})
}

// Names are words and nothing else, wherever they stand.
func TestNamesAreText(t *testing.T) {
	eachPage(t, func(t *testing.T, _ state, page string) {
		if strings.Contains(page, "<img") || strings.Contains(page, "<script>alert") || strings.Contains(page, "ZgotmplZ") {
			t.Error("a name became markup, or html/template refused a value")
		}
	})
}

// A page is the same for every reader of one state: nothing of the time or of
// chance is in it.
func TestPagesAreFunctions(t *testing.T) {
	pages := mustPages(t)
	for _, s := range allStates() {
		first, second := mustRender(t, pages, s), mustRender(t, pages, s)
		if first != second {
			t.Errorf("%s: rendered twice, and not the same", s.name)
		}
	}
}

// Every page type is in the gallery.
func TestTheGalleryIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range allStates() {
		seen[s.page.page()] = true
	}
	for _, page := range all {
		if !seen[page.page()] {
			t.Errorf("no state of page %s", page.page())
		}
	}
}
