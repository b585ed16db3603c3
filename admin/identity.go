package admin

import (
	"context"
	"net/http"
	"strings"

	"github.com/antinium/keygate/keystore"
)

// The headers in which a caller says who asks, why, and under which number.
const (
	headerClaimed   = "X-Keygate-Actor"
	headerReason    = "X-Keygate-Reason"
	headerRequestID = "X-Request-Id"
)

type callerKey struct{}

// withCaller notes who asks: the peer of the connection, which the kernel
// vouches for, and beside it what the caller says. The keystore judges both.
func withCaller(r *http.Request) context.Context {
	actor, known := r.Context().Value(peerKey{}).(string)
	if !known {
		actor = unknownActor
	}
	return context.WithValue(r.Context(), callerKey{}, keystore.By{
		Actor:     actor,
		Claimed:   strings.TrimSpace(r.Header.Get(headerClaimed)),
		Reason:    strings.TrimSpace(r.Header.Get(headerReason)),
		RequestID: strings.TrimSpace(r.Header.Get(headerRequestID)),
	})
}

// callerOf is who asks.
func callerOf(ctx context.Context) keystore.By {
	by, _ := ctx.Value(callerKey{}).(keystore.By)
	return by
}
