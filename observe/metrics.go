// Package observe lets people see what keygate does: metrics, probes and logs. It is the only importer of the
// Prometheus client. Labels come from closed sets; no key, account, path or host is ever one.
package observe

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Outcome is one way in which a check can end: the pair of labels of keygate_checks_total.
type Outcome struct{ Result, Reason string }

// Build names the running binary.
type Build struct{ Version, Revision, GoVersion string }

// StoreStats is what the key store and the log count. All are totals since the start but CacheRecords and ClockLead.
type StoreStats struct {
	CacheHits, CacheMisses uint64
	CacheRecords           int
	Errors                 uint64        // reads and changes that failed
	CorruptRecords         uint64        // look-ups that met a record whose integrity tag does not hold
	ClockLead              time.Duration // how far the stored time mark is ahead of the wall clock
	DroppedLines           uint64        // log lines that a slow reader cost
	UsageErrors            uint64        // flushes of the usage that failed
	UsageDropped           uint64        // checks that the usage could not count
}

// Metrics holds every metric of the process in a registry of its own. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	checks   map[string]prometheus.Counter // by reason; complete from the start, so that reads need no lock
	duration prometheus.Histogram
	panics   prometheus.Counter
	reloadOK prometheus.Gauge
	reloaded prometheus.Gauge
	census   atomic.Pointer[Census]
}

// checkBuckets are seconds, from 10 us up: a check takes tens of microseconds, and a stalled disk shows at the top.
var checkBuckets = []float64{
	10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3,
}

// NewMetrics registers all metrics. Every outcome's counter exists, at zero, from the start. stats is called at each scrape.
func NewMetrics(build Build, outcomes []Outcome, stats func() StoreStats) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), checks: make(map[string]prometheus.Counter, len(outcomes))}
	m.registerChecks(outcomes)
	m.registerProcess(build)
	m.registry.MustRegister(storeCollector{stats}, censusCollector{m})
	return m
}

func (m *Metrics) registerChecks(outcomes []Outcome) {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "keygate_checks_total", Help: "Checks answered, by result and by the reason that decided.",
	}, []string{"result", "reason"})
	for _, o := range outcomes {
		m.checks[o.Reason] = total.WithLabelValues(o.Result, o.Reason)
	}
	m.duration = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "keygate_check_duration_seconds", Help: "Time from a decoded check to its answer.", Buckets: checkBuckets,
	})
	m.panics = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "keygate_panics_total", Help: "Checks that ended in a recovered panic. Each is a defect: please report it.",
	})
	m.registry.MustRegister(total, m.duration, m.panics)
}

func (m *Metrics) registerProcess(build Build) {
	m.reloadOK = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "keygate_config_last_reload_successful", Help: "1 if the last configuration (re)load succeeded, else 0.",
	})
	m.reloaded = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "keygate_config_last_reload_success_timestamp_seconds", Help: "Unix time of the last successful configuration (re)load.",
	})
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "keygate_build_info", Help: "Always 1; the labels say what is running.",
		ConstLabels: prometheus.Labels{"version": build.Version, "revision": build.Revision, "goversion": build.GoVersion},
	})
	info.Set(1)
	m.registry.MustRegister(m.reloadOK, m.reloaded, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

// Check counts one check by its reason. A reason that was not registered counts nowhere but in the histogram.
func (m *Metrics) Check(reason string, d time.Duration) {
	if counter, ok := m.checks[reason]; ok {
		counter.Inc()
	}
	m.duration.Observe(d.Seconds())
}

// Panic counts a recovered panic.
func (m *Metrics) Panic() { m.panics.Inc() }

// Reload notes how a (re)load of the configuration went.
func (m *Metrics) Reload(at time.Time, ok bool) {
	if !ok {
		m.reloadOK.Set(0)
		return
	}
	m.reloadOK.Set(1)
	m.reloaded.Set(float64(at.UnixMilli()) / 1e3)
}

// Census is a count of all keys.
type Census struct {
	ByStatus map[string]int // must not change afterwards
	Expiring int            // keys that expire within 7 days
}

// Census publishes a count.
func (m *Metrics) Census(c Census) { m.census.Store(&c) }

// Handler serves the metrics in the Prometheus text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// storeCollector reads the store's counters at each scrape, so that the check path keeps only its own.
type storeCollector struct{ stats func() StoreStats }

var (
	hitsDesc         = prometheus.NewDesc("keygate_cache_hits_total", "Look-ups answered from the record cache.", nil, nil)
	missesDesc       = prometheus.NewDesc("keygate_cache_misses_total", "Look-ups that had to read the database.", nil, nil)
	cachedDesc       = prometheus.NewDesc("keygate_cache_records", "Records in the cache now.", nil, nil)
	errorsDesc       = prometheus.NewDesc("keygate_store_errors_total", "Reads and changes of the database that failed.", nil, nil)
	corruptDesc      = prometheus.NewDesc("keygate_corrupt_records_total", "Look-ups that met a damaged record, and were denied.", nil, nil)
	droppedDesc      = prometheus.NewDesc("keygate_log_lines_dropped_total", "Log lines that were not written since nobody read the log fast enough.", nil, nil)
	usageErrorsDesc  = prometheus.NewDesc("keygate_usage_flush_errors_total", "Writes of the usage that failed; it is kept in memory and tried again.", nil, nil)
	usageDroppedDesc = prometheus.NewDesc("keygate_usage_dropped_total", "Checks that the usage could not count for want of memory.", nil, nil)
	clockDesc        = prometheus.NewDesc("keygate_clock_lead_seconds", "How far the highest time ever seen is ahead of the wall clock.", nil, nil)
)

func (c storeCollector) Describe(descs chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(c, descs)
}

func (c storeCollector) Collect(metrics chan<- prometheus.Metric) {
	s := c.stats()
	metrics <- prometheus.MustNewConstMetric(hitsDesc, prometheus.CounterValue, float64(s.CacheHits))
	metrics <- prometheus.MustNewConstMetric(missesDesc, prometheus.CounterValue, float64(s.CacheMisses))
	metrics <- prometheus.MustNewConstMetric(cachedDesc, prometheus.GaugeValue, float64(s.CacheRecords))
	metrics <- prometheus.MustNewConstMetric(errorsDesc, prometheus.CounterValue, float64(s.Errors))
	metrics <- prometheus.MustNewConstMetric(corruptDesc, prometheus.CounterValue, float64(s.CorruptRecords))
	metrics <- prometheus.MustNewConstMetric(droppedDesc, prometheus.CounterValue, float64(s.DroppedLines))
	metrics <- prometheus.MustNewConstMetric(usageErrorsDesc, prometheus.CounterValue, float64(s.UsageErrors))
	metrics <- prometheus.MustNewConstMetric(usageDroppedDesc, prometheus.CounterValue, float64(s.UsageDropped))
	metrics <- prometheus.MustNewConstMetric(clockDesc, prometheus.GaugeValue, s.ClockLead.Seconds())
}

// censusCollector publishes the last census. Before the first one there is no sample, which is not the same as zero.
type censusCollector struct{ m *Metrics }

var (
	keysDesc     = prometheus.NewDesc("keygate_keys", "Keys in the store by status, as of the last count.", []string{"status"}, nil)
	expiringDesc = prometheus.NewDesc("keygate_keys_expiring",
		"Keys that expire within 7 days, retiring and disabled ones included, as of the last count.", nil, nil)
)

func (c censusCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- keysDesc
	descs <- expiringDesc
}

func (c censusCollector) Collect(metrics chan<- prometheus.Metric) {
	census := c.m.census.Load()
	if census == nil {
		return
	}
	for status, count := range census.ByStatus {
		metrics <- prometheus.MustNewConstMetric(keysDesc, prometheus.GaugeValue, float64(count), status)
	}
	metrics <- prometheus.MustNewConstMetric(expiringDesc, prometheus.GaugeValue, float64(census.Expiring))
}
