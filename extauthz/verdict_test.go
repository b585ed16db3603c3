package extauthz

import (
	"testing"
	"time"

	"github.com/antinium/keygate/extauthz/rules"
	"github.com/antinium/keygate/keystore"
)

// TestJudge walks every requirement x permission x state against a table written out by hand.
func TestJudge(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000).UTC()
	past, future := now.Add(-time.Millisecond), now.Add(time.Millisecond)
	states := []struct {
		name   string
		record keystore.Record
		denial Reason
	}{
		{"active", keystore.Record{}, Undecided},
		{"expires later", keystore.Record{ExpiresAt: future}, Undecided},
		{"retiring", keystore.Record{ExpiresAt: future, ReplacedBy: "x"}, Undecided},
		{"expires this instant", keystore.Record{ExpiresAt: now}, Expired},
		{"expired", keystore.Record{ExpiresAt: past}, Expired},
		{"retired", keystore.Record{ExpiresAt: past, ReplacedBy: "x"}, Expired},
		{"disabled", keystore.Record{Disabled: true}, Disabled},
		{"disabled and expired", keystore.Record{Disabled: true, ExpiresAt: past}, Disabled},
		{"revoked", keystore.Record{RevokedAt: past}, Revoked},
		{"revoked in the future of a clock gone back", keystore.Record{RevokedAt: future}, Revoked},
		{"revoked, disabled and expired", keystore.Record{RevokedAt: past, Disabled: true, ExpiresAt: past}, Revoked},
	}
	covers := map[keystore.Permission]map[rules.Requirement]bool{
		0:                     {},
		keystore.Read:         {rules.Read: true},
		keystore.Write:        {rules.Read: true, rules.Write: true},
		keystore.Full:         {rules.Read: true, rules.Write: true, rules.Full: true},
		keystore.Operator:     {},
		keystore.Operator + 1: {},
		255:                   {},
	}
	for _, state := range states {
		for permission, covered := range covers {
			for required := rules.Deny; required <= rules.Public+1; required++ {
				record := state.record
				record.Permission = permission
				want := state.denial
				switch {
				case want != Undecided:
				case required == rules.Deny:
					want = NoRule
				case !covered[required]:
					want = InsufficientPermission
				default:
					want = Allowed
				}
				got := Verdict{Required: required}.Judge(&record, now).Reason
				if got != want {
					t.Errorf("%s, permission %d, required %s: %s, want %s", state.name, permission, required, got, want)
				}
			}
		}
	}
}

// Only three reasons let a request pass, and no value outside the table is one of them.
func TestReasonsThatAllow(t *testing.T) {
	allow := map[Reason]bool{Preflight: true, Public: true, Allowed: true}
	for r := range 256 {
		if got := Reason(r).Allows(); got != allow[Reason(r)] {
			t.Errorf("Reason(%d) %s: Allows = %t", r, Reason(r), got)
		}
	}
	if (Verdict{}).Reason.Allows() {
		t.Error("the zero verdict allows")
	}
}

// TestReasonTable holds the table of the product contract row by row.
func TestReasonTable(t *testing.T) {
	want := []struct {
		label, result string
		status        int
	}{
		{"not_http", "denied", 403}, {"bad_method", "denied", 400}, {"ambiguous_path", "denied", 400},
		{"preflight", "allowed", 0}, {"public", "allowed", 0}, {"no_credential", "denied", 401},
		{"malformed_credential", "denied", 401}, {"unknown_key", "denied", 401}, {"corrupt_record", "denied", 401},
		{"revoked", "denied", 401}, {"disabled", "denied", 401}, {"expired", "denied", 401}, {"no_rule", "denied", 401},
		{"insufficient_permission", "denied", 401}, {"allowed", "allowed", 0}, {"error", "error", 0},
	}
	all := Reasons()
	if len(all) != len(want) {
		t.Fatalf("%d reasons, want %d", len(all), len(want))
	}
	for i, r := range all {
		facts := r.facts()
		if facts.label != want[i].label || string(facts.result) != want[i].result || facts.status != want[i].status {
			t.Errorf("row %d: %s %s %d, want %+v", i, facts.label, facts.result, facts.status, want[i])
		}
	}
}
