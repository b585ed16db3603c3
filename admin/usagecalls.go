package admin

import (
	"context"

	"github.com/antinium/keygate/usage"
)

// KeyUsage is what uses a key, as far as it is recorded.
type KeyUsage struct {
	KeyID       string            `json:"key_id" doc:"Whose usage it is"`
	FirstSeen   Time              `json:"first_seen" doc:"null: not seen yet"`
	LastUsedAt  Time              `json:"last_used_at" doc:"Accurate to usage.flush_interval after a crash; null: not seen yet"`
	LastAddress Text              `json:"last_address" doc:"Where the last check came from; null: not kept"`
	Allowed     uint64            `json:"allowed" doc:"Checks that passed, ever"`
	Denied      uint64            `json:"denied" doc:"Checks that did not, ever"`
	ByReason    map[string]uint64 `json:"by_reason" nullable:"false" doc:"Checks by the reason that decided"`
	Hours       []UsageBucket     `json:"hours" nullable:"false" doc:"Of the last 48 hours those with checks, the oldest first"`
	Days        []UsageBucket     `json:"days" nullable:"false" doc:"Of the last 90 days those with checks, the oldest first"`
}

// UsageBucket counts the checks of an hour or a day, in UTC.
type UsageBucket struct {
	Start   Time   `json:"start" nullable:"false" doc:"Of the hour or the day"`
	Allowed uint64 `json:"allowed" doc:"Checks that passed"`
	Denied  uint64 `json:"denied" doc:"Checks that did not"`
}

func (s *Server) usage(ctx context.Context, in *idInput) (KeyUsage, error) {
	u, err := s.keyring(ctx).Usage(in.ID)
	if err != nil {
		return KeyUsage{}, err
	}
	told := KeyUsage{
		KeyID: in.ID, FirstSeen: Time{u.FirstSeen}, LastUsedAt: Time{u.LastUsed}, LastAddress: Text(u.LastAddress),
		Allowed: u.Allowed, Denied: u.Denied, ByReason: u.ByReason, Hours: buckets(u.Hours), Days: buckets(u.Days),
	}
	if told.ByReason == nil {
		told.ByReason = map[string]uint64{}
	}
	return told, nil
}

func buckets(from []usage.Bucket) []UsageBucket {
	out := make([]UsageBucket, len(from))
	for i, b := range from {
		out[i] = UsageBucket{Time{b.Start}, b.Allowed, b.Denied}
	}
	return out
}
