// Package usage counts what each key is used for: when it was last used, how
// often it was allowed and denied by hour and by day, for which reasons, and
// from where.
//
// A Recorder counts in memory and stores the counts every few seconds in a
// bbolt file of its own, usage.db. A Recorder may be used by any number of
// goroutines; one process at a time owns its file. The package knows nothing of
// keys but their ids, and imports no other package of ours.
//
// What a caller may rely on, each held by a test:
//
//   - Count does no I/O, allocates nothing for a key that is in use, and takes
//     one lock, of a 64th of the keys, under which no file is ever waited for
//     (Count). BenchmarkCount: 80 to 100 ns with a thousand keys, 250 with 100 000.
//   - Every event is in the sum that Of gives from the moment Count returned,
//     and is in it once: before, while and after it is stored, and also when
//     storing it fails (Of).
//   - Hours are kept for 48 hours and days for 90 days, in UTC; totals for ever
//     (Usage).
//   - Memory is bounded: a key that was not in use for a whole interval leaves
//     it once its counts are stored, and beyond maxKeys keys the events of new
//     keys are dropped and counted, while those of the keys at hand still count
//     (Count).
//   - Nothing that is wrong with the file stops Open, Count, Flush or Close: a
//     full disk, a file that is damaged, cut, foreign, deleted, or held by
//     another process, a folder that is not there. What could not be stored
//     stays in memory and is tried again at the next flush (Open, Flush).
//   - kill -9 loses at most what was counted since the last finished flush
//     (Flush).
//   - A transaction stores at most 5 000 keys, in Run 500, and Run leaves the
//     disk to others between two of them. It shares no lock with the keys: a
//     change of them can only meet it at the disk and the processor, for the few
//     milliseconds of one such transaction on a quiet machine. That figure no test
//     holds; BenchmarkRevoke shows it (Run).
//   - The last of a disk's room is left to the keys (Flush).
//   - What was not recorded is never taken for unused: Begun and Watching tell
//     from when on there is no gap (Watching).
//
// A flush that is still at work when the next is due puts that one off: with
// more keys in use than one interval can store, the interval grows by itself,
// and with it what kill -9 can lose and how far behind the file is. What Of and
// LastUsed say is exact all the same.
package usage
