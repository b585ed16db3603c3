package keystore

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkImport imports a million keys into a store that has none, and then
// another into the one that has a million, each in a process of its own, from
// JSON lines. It tells the seconds, the memory beside the mapped file and the
// longest wait of a change that came meanwhile:
//
//	go test ./keystore -run '^$' -bench 'Import$' -benchtime 1x
func BenchmarkImport(b *testing.B) {
	for b.Loop() {
		path := newPath(b)
		for _, which := range []string{"first", "second"} {
			cmd := child(b, "million", path)
			for line := range lines(b, cmd) {
				unit, figure, _ := strings.Cut(line, " ")
				if value, err := strconv.ParseFloat(figure, 64); err == nil {
					b.ReportMetric(value, which+"-"+unit)
				}
			}
			if err := cmd.Wait(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), which+"-cpu-s")
		}
	}
}

const (
	million   = 1_000_000
	inOneCall = 5_000 // lines of one call, as the admin API makes it
)

// childImportsMillion imports, and says what it took.
func childImportsMillion(path string) error {
	s, err := Open(Options{Path: path})
	if err != nil {
		return err
	}
	rec, _, err := s.Create(NewKey{Name: "watched", Permission: Read}, By{})
	if err != nil {
		return err
	}
	first := int(s.AuditHead().Seq) * million
	watched := watch(s, rec.ID)
	began := time.Now()
	making, err := importMillion(s, first)
	if err != nil {
		return err
	}
	took := time.Since(began) - making
	wait, most := watched()
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Println("s", took.Seconds())
	fmt.Println("anon-MiB", most>>10)
	fmt.Println("file-MiB", info.Size()>>20)
	fmt.Println("longest-wait-s", wait.Seconds())
	return s.Close()
}

// importMillion also tells how long the making of the lines took.
func importMillion(s *Store, first int) (making time.Duration, err error) {
	id, err := s.BeginImport(false, importer)
	if err != nil {
		return 0, err
	}
	for from := range million / inOneCall {
		began := time.Now()
		body := jsonLines(first+from*inOneCall, inOneCall)
		making += time.Since(began)
		lines, _ := ParseImportLines(1, body)
		if bad, err := s.AddToImport(id, lines, ImportRights{}, importer); err != nil || len(bad) > 0 {
			return 0, fmt.Errorf("%v %w", bad, err)
		}
	}
	count, err := s.FinishImport(id, importer)
	if err == nil && count != million {
		err = fmt.Errorf("imported %d keys", count)
	}
	return making, err
}

// watch renames a key ten times a second, and tells how long the longest took,
// and the most memory in KiB that was seen.
func watch(s *Store, id string) (result func() (longest time.Duration, most int)) {
	stop, done := make(chan struct{}), make(chan struct{})
	var longest time.Duration
	most := 0
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
			began := time.Now()
			_, _ = s.Rename(id, strconv.Itoa(n), By{})
			longest, most = max(longest, time.Since(began)), max(most, anonymous())
		}
	}()
	return func() (time.Duration, int) { close(stop); <-done; return longest, most }
}

// jsonLines are lines of an import as a file has them.
func jsonLines(from, count int) []byte {
	var b []byte
	for n := range count {
		l := foreign(from + n)
		l.Account, l.Workspace = fmt.Sprintf("account-%d", (from+n)%5000), "production"
		l.Labels = map[string]string{"team": "payments", "id": fmt.Sprintf("customer-%d", from+n)}
		l.CreatedAt, l.ExpiresAt = "2024-05-06T07:08:09Z", "2029-05-06T07:08:09Z"
		b = append(l.AppendJSON(b), '\n')
	}
	return b
}

// anonymous is the memory of this process beside mapped files, in KiB.
func anonymous() (kib int) {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "RssAnon:") {
			_, _ = fmt.Sscan(strings.TrimPrefix(line, "RssAnon:"), &kib)
		}
	}
	return kib
}
