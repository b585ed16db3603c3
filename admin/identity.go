package admin

import (
	"context"
	"net/http"
	"strings"

	"github.com/antinium/keygate/keystore"
)

// The headers in which a caller says who asks, why, and under which number; which
// call a repeat repeats; and which state of a key it means to change.
const (
	headerClaimed   = "X-Keygate-Actor"
	headerReason    = "X-Keygate-Reason"
	headerRequestID = "X-Request-Id"
	headerOnce      = "Idempotency-Key"
	headerMatch     = "If-Match"
)

type callerKey struct{}

// caller is who asks, and what that says of itself and of the call.
type caller struct {
	Principal
	by keystore.By
}

// withCaller notes who asks: the principal, which is proven, and beside it what
// the caller says. The keystore judges both.
func withCaller(r *http.Request, who Principal) context.Context {
	return context.WithValue(r.Context(), callerKey{}, caller{who, ClaimsOf(r.Header, who)})
}

// ClaimsOf is what a request says of itself, beside who is proven to have sent it.
func ClaimsOf(h http.Header, who Principal) keystore.By {
	return keystore.By{
		Actor:     who.Actor,
		Address:   who.Address,
		Claimed:   strings.TrimSpace(h.Get(headerClaimed)),
		Reason:    strings.TrimSpace(h.Get(headerReason)),
		RequestID: strings.TrimSpace(h.Get(headerRequestID)),
	}
}

// callerOf is who asks.
func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// keyring is that of the caller.
func (s *Server) keyring(ctx context.Context) *Keyring {
	c := callerOf(ctx)
	return s.Keyring(c.Principal, c.by)
}
