package admin

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	attemptsBurst = 20   // failed attempts that an address has at once
	attemptsRate  = 1    // and more in a second
	maxSources    = 4096 // addresses remembered, twice at most
)

// attempts limits failed attempts by their source. Its memory is bounded: when
// one generation of sources is full it becomes the old one, and the one before
// is forgotten, which favours the attacker by one burst each.
type attempts struct {
	now func() time.Time

	mu       sync.Mutex
	new, old map[string]*rate.Limiter
}

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, new: map[string]*rate.Limiter{}}
}

// fail notes a failed attempt. Where the source has none left it says how long to wait.
func (a *attempts) fail(address string) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	limiter := a.of(source(address))
	if limiter.AllowN(a.now(), 1) {
		return 0
	}
	return missing(limiter, a.now())
}

// wait says how long the source has to wait for its next attempt; it notes none.
func (a *attempts) wait(address string) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := source(address)
	limiter := a.new[key]
	if limiter == nil {
		limiter = a.old[key]
	}
	if limiter == nil {
		return 0
	}
	return missing(limiter, a.now())
}

func missing(limiter *rate.Limiter, now time.Time) time.Duration {
	if tokens := limiter.TokensAt(now); tokens < 1 {
		return time.Duration((1 - tokens) / attemptsRate * float64(time.Second))
	}
	return 0
}

// of is the limiter of a source. The caller holds the lock.
func (a *attempts) of(key string) *rate.Limiter {
	if limiter := a.new[key]; limiter != nil {
		return limiter
	}
	if len(a.new) >= maxSources {
		a.old, a.new = a.new, map[string]*rate.Limiter{}
	}
	limiter := a.old[key]
	if limiter == nil {
		limiter = rate.NewLimiter(attemptsRate, attemptsBurst)
	}
	a.new[key] = limiter
	return limiter
}

// source is an IPv4 address, or the /64 that a host on IPv6 has to itself.
func source(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap(); ip.Is4() {
		return ip.String()
	}
	network, _ := ip.WithZone("").Prefix(64)
	return network.String()
}
