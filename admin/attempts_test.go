package admin

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/antinium/keygate/keystore"
)

// handClock is a clock that stands still until it is moved.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func newHandClock() *handClock {
	return &handClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// exhaust uses up what a source has at once.
func exhaust(t *testing.T, a *attempts, address string) {
	t.Helper()
	for n := range attemptsBurst {
		if wait := a.fail(address); wait != 0 {
			t.Fatalf("attempt %d has to wait %v", n+1, wait)
		}
	}
	if wait := a.fail(address); wait <= 0 {
		t.Fatalf("%s is not limited", address)
	}
}

func TestAttemptsComeBack(t *testing.T) {
	clock := newHandClock()
	a := newAttempts(clock.Now)
	exhaust(t, a, "192.0.2.1")
	if wait := a.wait("192.0.2.1"); wait != time.Second {
		t.Errorf("has to wait %v", wait)
	}
	clock.move(999 * time.Millisecond)
	if wait := a.wait("192.0.2.1"); wait <= 0 || wait > 10*time.Millisecond {
		t.Errorf("after 999 ms: %v", wait)
	}
	clock.move(time.Millisecond)
	if a.wait("192.0.2.1") != 0 || a.fail("192.0.2.1") != 0 || a.fail("192.0.2.1") == 0 {
		t.Error("after a second there is not one attempt")
	}
	clock.move(time.Hour)
	exhaust(t, a, "192.0.2.1") // the burst, and no more than that
	clock.move(-time.Hour)
	if a.fail("192.0.2.1") == 0 {
		t.Error("a clock that is set back gives attempts away")
	}
}

// TestSources: an address is limited for itself, but a host on IPv6 has a whole /64.
func TestSources(t *testing.T) {
	for _, row := range []struct {
		one, other string
		same       bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
		{"", "", true},
		{"", "192.0.2.1", false},
		{"@", "", false},
	} {
		a := newAttempts(newHandClock().Now)
		exhaust(t, a, row.one)
		if limited := a.wait(row.other) > 0; limited != row.same {
			t.Errorf("%q and %q: limited %v", row.one, row.other, limited)
		}
	}
}

// TestAttemptsAreBounded: a flood of sources takes no more memory, and those that
// go on in the meantime stay limited.
func TestAttemptsAreBounded(t *testing.T) {
	clock := newHandClock()
	a := newAttempts(clock.Now)
	exhaust(t, a, "192.0.2.1")
	for n := range 5 * maxSources {
		a.fail(fmt.Sprintf("2001:db8:%x:%x::1", n>>16, n&0xffff))
		if n%maxSources == 0 && a.fail("192.0.2.1") == 0 {
			t.Fatalf("after %d other sources it has attempts again", n)
		}
		if size := len(a.new) + len(a.old); size > 2*maxSources {
			t.Fatalf("%d sources are remembered", size)
		}
	}
	for n := range maxSources {
		a.wait(fmt.Sprintf("198.51.%d.%d", n>>8, n&0xff))
	}
	if size := len(a.new) + len(a.old); size > 2*maxSources {
		t.Errorf("asking makes %d sources", size)
	}
}

const tooManyMessage = "too many failed attempts from this address; wait a little"

// limited is a server whose limits go by a hand clock.
func limitedWorld(t *testing.T) (*world, *handClock) {
	t.Helper()
	w, clock := newWorld(t), newHandClock()
	w.server.limits = newAttempts(clock.Now)
	return w, clock
}

func TestFailedAttemptsAreLimited(t *testing.T) {
	w, clock := limitedWorld(t)
	junk := w.remote(t, "junk")
	for range attemptsBurst {
		ask(t, junk, "GET", "/v1/keys", "").mustBeRefused(t)
	}
	mustWait := func(c *Client, seconds string) {
		t.Helper()
		r := ask(t, c, "GET", "/v1/keys", "")
		r.mustBe(t, 429, refused("TOO_MANY_REQUESTS", tooManyMessage))
		if got := r.header.Get("Retry-After"); got != seconds || r.header.Get("WWW-Authenticate") != "" {
			t.Errorf("retry-after %q, want %q; %v", got, seconds, r.header)
		}
	}
	mustWait(junk, "1")
	_, unknown := newWorld(t).mint(t, "full", "")
	mustWait(w.remote(t, unknown), "1")
	if _, err := w.server.SignIn(keystore.NewSecret("junk"), "127.0.0.1"); StatusOf(err) != 429 {
		t.Errorf("signing in: %v", err)
	}
	if _, err := w.server.SignIn(keystore.NewSecret("junk"), "192.0.2.1"); StatusOf(err) != 401 {
		t.Errorf("signing in from elsewhere: %v", err)
	}
	clock.move(time.Second)
	ask(t, junk, "GET", "/v1/keys", "").mustBeRefused(t)
	mustWait(junk, "1")
	if n := strings.Count(w.log.String(), "a key was refused"); n != attemptsBurst+2 {
		t.Errorf("%d refusals are logged, want one for each attempt that was looked at", n)
	}
}

// TestGoodKeyIsNotLockedOut: whoever shares an address with an attacker, behind one
// proxy, goes on working. A key from elsewhere, which can be guessed, waits.
func TestGoodKeyIsNotLockedOut(t *testing.T) {
	w, clock := limitedWorld(t)
	id, text := w.mint(t, "full", "acme/prod")
	imported := `{"key":"` + elsewhere(1) + `","name":"imported","permission":"full","account":"acme","workspace":"prod"}`
	mustImport(t, w.Client, JSONLines(strings.NewReader(imported)), false)
	junk, good, foreign := w.remote(t, "junk"), w.remote(t, text), w.remote(t, elsewhere(1))
	for range 3 * attemptsBurst {
		ask(t, junk, "GET", "/v1/keys", "")
	}
	for range 2 * attemptsBurst { // which is no failed attempt either
		if r := ask(t, good, "GET", "/v1/whoami", ""); r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	if r := ask(t, foreign, "GET", "/v1/whoami", ""); r.status != 429 {
		t.Errorf("an imported key: %d %s", r.status, r.body)
	}
	if _, err := w.Get(t.Context(), id); err != nil {
		t.Errorf("over the socket: %v", err)
	}
	clock.move(time.Second)
	for range 2 * attemptsBurst {
		if r := ask(t, foreign, "GET", "/v1/whoami", ""); r.status != 200 {
			t.Fatalf("an imported key after a while: %d %s", r.status, r.body)
		}
	}
}

// TestCallsWithoutAKeyAreNoAttempts: nothing is guessed, and nothing is logged.
func TestCallsWithoutAKeyAreNoAttempts(t *testing.T) {
	w, _ := limitedWorld(t)
	none := w.remote(t, "")
	for range 2 * attemptsBurst {
		ask(t, none, "GET", "/v1/keys", "").mustBeRefused(t)
	}
	if log := w.log.String(); log != "" {
		t.Errorf("log: %s", log)
	}
}

// TestRefusedKeysAreLoggedById: leak day wants to know who still tries.
func TestRefusedKeysAreLoggedByID(t *testing.T) {
	w, _ := limitedWorld(t)
	id, text := w.mint(t, "full", "acme/prod")
	if _, err := w.Revoke(t.Context(), id, false); err != nil {
		t.Fatal(err)
	}
	ask(t, w.remote(t, text), "GET", "/v1/keys", "").mustBeRefused(t)
	lines := w.log.lines()
	if last := lines[len(lines)-1]; !strings.Contains(last, `"a key was refused"`) && !strings.Contains(last, "a key was refused") ||
		!strings.Contains(last, id) || !strings.Contains(last, `"address":"127.0.0.1"`) || strings.Contains(last, text[4:20]) {
		t.Errorf("log: %s", last)
	}
}
