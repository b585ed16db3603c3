package admin

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/antinium/keygate/keystore"
)

// auditRoutes are about who changed what.
func (s *Server) auditRoutes() {
	read(s, endpoint{id: "audit", method: http.MethodGet, path: "/v1/audit", access: managers,
		summary: "Tell who changed what, and why"}, s.audit)
	read(s, endpoint{id: "verify-audit", method: http.MethodGet, path: "/v1/audit/verify", access: wide,
		summary: "Tell whether the audit is whole, and holds a head that was written down"}, s.verifyAudit)
}

// AuditEntry is one change: who, what, from which to which, and why.
type AuditEntry struct {
	Seq       uint64            `json:"seq" doc:"Its number"`
	At        Time              `json:"at" nullable:"false" doc:"When"`
	Action    string            `json:"action" doc:"What: create, rename, revoke and so on"`
	KeyID     Text              `json:"key_id" doc:"null: about no key"`
	Account   Text              `json:"account" doc:"Of the key"`
	Workspace Text              `json:"workspace" doc:"Of the key"`
	Actor     Text              `json:"actor" doc:"Who: proven. uid:1000 over the Unix socket, key: and an id otherwise"`
	Address   Text              `json:"address" doc:"Where a key called from; null over the Unix socket"`
	Claimed   Text              `json:"claimed" doc:"Who, in the caller's own word"`
	Reason    Text              `json:"reason" doc:"Why, in the caller's own word"`
	RequestID Text              `json:"request_id" doc:"Of the call, in the caller's own word"`
	From      map[string]string `json:"from" nullable:"false" doc:"What it changed from, field by field"`
	To        map[string]string `json:"to" nullable:"false" doc:"What it changed to"`
}

// AuditPage is a page of the audit.
type AuditPage struct {
	Entries []AuditEntry `json:"entries" nullable:"false" doc:"Changes"`
	Next    *string      `json:"next" doc:"The cursor of the next page, which may be there although this one is short; null at the end"`
}

// AuditFilter chooses entries of the audit; a zero field chooses any.
type AuditFilter struct {
	KeyID     string
	Account   string
	Workspace string
	Since     time.Time
	Newest    bool // the newest first
}

type auditInput struct {
	Key       string    `query:"key" doc:"Changes of this key alone"`
	Account   string    `query:"account" doc:"Changes of its keys"`
	Workspace string    `query:"workspace" doc:"Changes of its keys"`
	Since     time.Time `query:"since" doc:"Changes since then"`
	Newest    bool      `query:"newest" doc:"The newest first"`
	Cursor    string    `query:"cursor" doc:"next of the page before"`
	Limit     int       `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"Most entries of a page"`
}

func (s *Server) audit(ctx context.Context, in *auditInput) (AuditPage, error) {
	f := AuditFilter{KeyID: in.Key, Account: in.Account, Workspace: in.Workspace, Since: in.Since, Newest: in.Newest}
	return s.keyring(ctx).Audit(f, in.Cursor, in.Limit)
}

// Audit returns a page of the changes that the caller may know of: those in its
// scope. A page may be short though more follow.
func (k *Keyring) Audit(f AuditFilter, cursor string, limit int) (AuditPage, error) {
	if !k.who.Manages() {
		return AuditPage{}, errManagesNone
	}
	page := AuditPage{Entries: []AuditEntry{}}
	q := keystore.AuditQuery{KeyID: f.KeyID, Since: f.Since, Newest: f.Newest, Limit: limit}
	if err := at(&q, cursor); err != nil {
		return page, err
	}
	q.Account, q.Workspace = k.who.within(f.Account, f.Workspace)
	if !k.who.covers(q.Account, q.Workspace) {
		return page, nil // as if nothing had ever happened there
	}
	if ok, err := k.mayRead(f.KeyID); !ok {
		return page, err
	}
	records, next, err := k.store.AuditList(q)
	if err != nil {
		return page, err
	}
	if next != 0 {
		page.Next = nextOf(strconv.FormatUint(next, 10))
	}
	for _, r := range records {
		ok, err := k.mayRead(r.KeyID)
		if err != nil {
			return AuditPage{}, err
		}
		if ok {
			page.Entries = append(page.Entries, auditEntry(r))
		}
	}
	return page, nil
}

// mayRead tells whether the caller may know of changes of a key. An operator key
// is of the same accounts as other keys, and yet nobody's but the owner's.
func (k *Keyring) mayRead(keyID string) (bool, error) {
	if keyID == "" || k.who.Role == RoleOwner {
		return true, nil
	}
	_, err := k.Record(keyID)
	if statusOf(err) == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}

// at sets the cursor of a query.
func at(q *keystore.AuditQuery, cursor string) error {
	if cursor == "" {
		return nil
	}
	seq, err := strconv.ParseUint(cursor, 10, 64)
	if err != nil || seq == 0 {
		return &keystore.InvalidError{Field: "cursor", Problem: "is not one that a page returned"}
	}
	if q.Newest {
		q.Before = seq
	} else {
		q.After = seq
	}
	return nil
}

func auditEntry(r keystore.AuditRecord) AuditEntry {
	e := AuditEntry{
		Seq: r.Seq, At: Time{r.At}, Action: r.Action, KeyID: Text(r.KeyID), Account: Text(r.Account), Workspace: Text(r.Workspace),
		Actor: Text(r.Actor), Address: Text(r.Address), Claimed: Text(r.Claimed), Reason: Text(r.Reason), RequestID: Text(r.RequestID),
		From: r.From, To: r.To,
	}
	if e.From == nil {
		e.From = map[string]string{}
	}
	if e.To == nil {
		e.To = map[string]string{}
	}
	return e
}

// AuditVerdict tells whether the audit is whole.
type AuditVerdict struct {
	Sound   bool   `json:"sound" doc:"Nothing was rewritten, cut or lost, as far as the chain and the head tell"`
	Finding string `json:"finding" doc:"The same in words"`
	Count   uint64 `json:"count" doc:"Records that were found sound"`
	Head    string `json:"head" doc:"The state of the audit now: write it down elsewhere to find a rewriting later"`
	Anchor  uint64 `json:"anchor" doc:"The number of the last record that was pruned; 0 if none was"`
}

type verifyInput struct {
	Head string `query:"head" doc:"A head that was written down, as the log has it: must still be in the audit"`
}

// verifyAudit answers 200 also where the audit is broken: the question was answered.
func (s *Server) verifyAudit(_ context.Context, in *verifyInput) (AuditVerdict, error) {
	var head *keystore.AuditHead
	if in.Head != "" {
		given, err := keystore.ParseAuditHead(in.Head)
		if err != nil {
			return AuditVerdict{}, err
		}
		head = &given
	}
	report, err := s.opts.Store.VerifyAudit(head)
	if err != nil {
		return AuditVerdict{}, err
	}
	return AuditVerdict{
		Sound: report.Finding == keystore.AuditSound, Finding: report.String(), Count: report.Count, Head: report.Head.String(), Anchor: report.Anchor,
	}, nil
}
