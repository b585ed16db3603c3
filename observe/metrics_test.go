package observe

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newTestMetrics() *Metrics {
	return NewMetrics(Build{"v1.2.3", "abc", "go1.26"}, []Outcome{{"allowed", "public"}, {"denied", "expired"}, {"error", "error"}},
		func() StoreStats {
			return StoreStats{CacheHits: 7, CacheMisses: 3, CacheRecords: 2, Errors: 1, CorruptRecords: 4, DroppedLines: 9, ClockLead: 1500 * time.Millisecond}
		})
}

// TestMetrics holds names, types, labels and values: dashboards and alarms use them.
func TestMetrics(t *testing.T) {
	m := newTestMetrics()
	m.Check("expired", 20*time.Microsecond)
	m.Check("expired", 20*time.Microsecond)
	m.Check("public", 20*time.Microsecond)
	m.Panic()
	m.Census(Census{ByStatus: map[string]int{"active": 5, "revoked": 2}, Expiring: 3})
	m.Reload(time.UnixMilli(1_700_000_000_500), true)
	want := `
# HELP keygate_build_info Always 1; the labels say what is running.
# TYPE keygate_build_info gauge
keygate_build_info{goversion="go1.26",revision="abc",version="v1.2.3"} 1
# HELP keygate_cache_hits_total Look-ups answered from the record cache.
# TYPE keygate_cache_hits_total counter
keygate_cache_hits_total 7
# HELP keygate_cache_misses_total Look-ups that had to read the database.
# TYPE keygate_cache_misses_total counter
keygate_cache_misses_total 3
# HELP keygate_cache_records Records in the cache now.
# TYPE keygate_cache_records gauge
keygate_cache_records 2
# HELP keygate_checks_total Checks answered, by result and by the reason that decided.
# TYPE keygate_checks_total counter
keygate_checks_total{reason="error",result="error"} 0
keygate_checks_total{reason="expired",result="denied"} 2
keygate_checks_total{reason="public",result="allowed"} 1
# HELP keygate_clock_lead_seconds How far the highest time ever seen is ahead of the wall clock.
# TYPE keygate_clock_lead_seconds gauge
keygate_clock_lead_seconds 1.5
# HELP keygate_config_last_reload_success_timestamp_seconds Unix time of the last successful configuration (re)load.
# TYPE keygate_config_last_reload_success_timestamp_seconds gauge
keygate_config_last_reload_success_timestamp_seconds 1.7000000005e+09
# HELP keygate_config_last_reload_successful 1 if the last configuration (re)load succeeded, else 0.
# TYPE keygate_config_last_reload_successful gauge
keygate_config_last_reload_successful 1
# HELP keygate_corrupt_records_total Look-ups that met a damaged record, and were denied.
# TYPE keygate_corrupt_records_total counter
keygate_corrupt_records_total 4
# HELP keygate_keys Keys in the store by status, as of the last count.
# TYPE keygate_keys gauge
keygate_keys{status="active"} 5
keygate_keys{status="revoked"} 2
# HELP keygate_keys_expiring Keys that expire within 7 days, retiring and disabled ones included, as of the last count.
# TYPE keygate_keys_expiring gauge
keygate_keys_expiring 3
# HELP keygate_log_lines_dropped_total Log lines that were not written since nobody read the log fast enough.
# TYPE keygate_log_lines_dropped_total counter
keygate_log_lines_dropped_total 9
# HELP keygate_panics_total Checks that ended in a recovered panic. Each is a defect: please report it.
# TYPE keygate_panics_total counter
keygate_panics_total 1
# HELP keygate_store_errors_total Reads and changes of the database that failed.
# TYPE keygate_store_errors_total counter
keygate_store_errors_total 1
`
	var names []string
	for _, line := range strings.Split(want, "\n") {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ := strings.Cut(rest, " ")
			names = append(names, name)
		}
	}
	if err := testutil.GatherAndCompare(m.registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
	m.Reload(time.Now(), false)
	if got := testutil.ToFloat64(m.reloadOK); got != 0 {
		t.Errorf("after a refused reload the gauge is %v", got)
	}
	if got := testutil.ToFloat64(m.reloaded); got != 1_700_000_000.5 {
		t.Errorf("a refused reload moved the time of the last good one to %v", got)
	}
}

func TestMetricsPassPromlint(t *testing.T) {
	m := newTestMetrics()
	m.Census(Census{ByStatus: map[string]int{"active": 1}})
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// A check takes tens of microseconds: the histogram must tell 10 us from 50 us.
func TestDurationBuckets(t *testing.T) {
	m := newTestMetrics()
	m.Check("public", 9*time.Microsecond)
	m.Check("public", 30*time.Microsecond)
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "keygate_check_duration_seconds" {
			continue
		}
		h := f.GetMetric()[0].GetHistogram()
		if h.GetSampleCount() != 2 || h.GetBucket()[0].GetUpperBound() != 10e-6 || h.GetBucket()[0].GetCumulativeCount() != 1 {
			t.Errorf("histogram: %v", h)
		}
		return
	}
	t.Error("no duration histogram")
}

// Before the first count there is no sample: an empty store and one that was not counted yet are not alike.
func TestNoCensusIsNotZero(t *testing.T) {
	if n := testutil.CollectAndCount(censusCollector{newTestMetrics()}); n != 0 {
		t.Errorf("%d samples before the first count", n)
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	m := newTestMetrics()
	if n := testing.AllocsPerRun(100, func() { m.Check("public", time.Microsecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
