package console

import (
	"math"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPermissionsCanOnlyBeLowered(t *testing.T) {
	for name, want := range map[string]string{"full": "read write", "write": "read", "read": "", "operator": "", "": ""} {
		var got []string
		for _, c := range LowerPermissions(name) {
			got = append(got, c.Value)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("below %q: %q, want %q", name, got, want)
		}
	}
	if got := len(PermissionChoices()); got != 3 {
		t.Errorf("%d permissions to choose from, want 3: an operator key is made on the server alone", got)
	}
}

func TestChartFitsItsFrame(t *testing.T) {
	for _, c := range []struct{ allowed, denied uint64 }{{0, 0}, {1, 0}, {0, 1}, {1, 1}, {1_000_000, 1}, {1, 1_000_000}, {math.MaxUint32, 7}, {math.MaxUint64 / 2, math.MaxUint64 / 2}} {
		chart := NewChart("", "hour", []Slot{{Allowed: c.allowed, Denied: c.denied}, {}}, 1)
		if c.allowed+c.denied == 0 {
			if len(chart.Bars) != 0 {
				t.Errorf("%+v of nothing", chart.Bars)
			}
			continue
		}
		b := chart.Bars[0]
		if b.Denied.Y < 0 || b.Denied.Y+b.Denied.Height != b.Allowed.Y || b.Allowed.Y+b.Allowed.Height != chartHeight {
			t.Errorf("%d allowed, %d denied: %+v does not fit", c.allowed, c.denied, b)
		}
		if (c.allowed > 0) != (b.Allowed.Height >= minBar) || (c.denied > 0) != (b.Denied.Height >= minBar) {
			t.Errorf("%d allowed, %d denied: %+v hides something", c.allowed, c.denied, b)
		}
	}
}

func TestChartScaleIsRound(t *testing.T) {
	for most, want := range map[uint64]uint64{0: 2, 1: 2, 2: 2, 3: 4, 5: 6, 9: 10, 11: 20, 21: 30, 49: 50, 51: 60, 81: 100, 2540: 3000, math.MaxUint64: math.MaxUint64} {
		if got := niceTop(most); got != want {
			t.Errorf("the top for %d is %d, want %d", most, got, want)
		}
	}
}

func TestChartLeavesOutWhatIsQuiet(t *testing.T) {
	chart := NewChart("", "day", []Slot{{Label: "a", Allowed: 1}, {Label: "b"}, {Label: "c", Denied: 1234}}, 3)
	if len(chart.Rows) != 2 || chart.Rows[0] != (ChartRow{"c", "0", "1,234"}) || chart.Rows[1].Label != "a" {
		t.Errorf("rows %+v", chart.Rows)
	}
	if want := "1 allowed and 1,234 denied in 3 days. The busiest day was c with 1,234 requests."; chart.Summary != want {
		t.Errorf("summary %q, want %q", chart.Summary, want)
	}
	if !quietHours().Empty() {
		t.Error("a chart of nothing is not empty")
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := Count(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}

func TestAssetsAreKeptForGood(t *testing.T) {
	assets, err := NewAssets()
	if err != nil {
		t.Fatal(err)
	}
	for url, status := range map[string]int{assets.Style: 200, assets.Script: 200, assets.Icon: 200, "/console/assets/style.css": 404, "/console/assets/": 404} {
		w := httptest.NewRecorder()
		assets.ServeHTTP(w, httptest.NewRequest("GET", url, nil))
		kept := strings.Contains(w.Header().Get("Cache-Control"), "immutable")
		if w.Code != status || kept != (status == 200) || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d, %v", url, w.Code, w.Header())
		}
	}
}

func TestScopesInWords(t *testing.T) {
	for want, scope := range map[string][2]string{"all accounts": {}, "a / all workspaces": {"a", ""}, "a / w": {"a", "w"}} {
		if got := scopeOf(scope[0], scope[1]); got != want {
			t.Errorf("%q: %q, want %q", scope, got, want)
		}
	}
}
