package keystore

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
)

// AuditRecord tells of one change: it is written in the change's own
// transaction. A rotation writes two, "rotate" for the old key and "create"
// for the new one.
type AuditRecord struct {
	Seq    uint64 // 1, 2, 3, ...
	At     time.Time
	Action string // "create", "rename", "revoke", "rotate", ...; AuditUnreadable for a damaged one
	KeyID  string // "" where it is about no key
	By
	Account, Workspace string            // of the key; "" where it is about none, and before format 2
	From, To           map[string]string // the fields that changed, as the admin API spells them; "" = none
}

// fields are the names and values of a change.
type fields = map[string]string

// auditVersion is the version of storedAudit. Version 1 has neither address nor
// account and workspace.
const auditVersion = 2

// storedAudit is an audit record in the file.
type storedAudit struct {
	V         int    `json:"v"`
	At        int64  `json:"at"` // ms since 1970
	Action    string `json:"action"`
	KeyID     string `json:"key_id"`
	Account   string `json:"account,omitempty"`
	Workspace string `json:"workspace,omitempty"`
	Actor     string `json:"actor,omitempty"`
	Address   string `json:"address,omitempty"`
	Claimed   string `json:"claimed,omitempty"`
	Reason    string `json:"reason,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	From      fields `json:"from,omitempty"`
	To        fields `json:"to,omitempty"`
}

// log writes the audit record of a change to rec, or to no key if rec is nil.
func (w *writer) log(action string, rec *Record, from, to fields) error {
	if rec == nil {
		rec = &Record{}
	}
	value, err := json.Marshal(storedAudit{
		V: auditVersion, At: w.now.UnixMilli(), Action: action,
		KeyID: rec.ID, Account: rec.Account, Workspace: rec.Workspace,
		Actor: w.by.Actor, Address: w.by.Address, Claimed: w.by.Claimed, Reason: w.by.Reason, RequestID: w.by.RequestID,
		From: from, To: to,
	})
	if err != nil {
		return err
	}
	return w.append(value)
}

func decodeAudit(key, value []byte) (AuditRecord, error) {
	var a storedAudit
	if len(key) != 8 || len(value) < linkLength {
		return AuditRecord{}, fmt.Errorf("read an audit record: its number or its link is malformed")
	}
	d := json.NewDecoder(bytes.NewReader(value[linkLength:]))
	d.DisallowUnknownFields()
	seq := binary.BigEndian.Uint64(key)
	if err := d.Decode(&a); err != nil {
		return AuditRecord{}, fmt.Errorf("read audit record %d: %w", seq, err)
	}
	if a.V != 1 && a.V != auditVersion {
		return AuditRecord{}, fmt.Errorf("read audit record %d: unknown version %d", seq, a.V)
	}
	return AuditRecord{
		Seq: seq, At: time.UnixMilli(a.At).UTC(), Action: a.Action, KeyID: a.KeyID,
		Account: a.Account, Workspace: a.Workspace,
		By:   By{Actor: a.Actor, Address: a.Address, Claimed: a.Claimed, Reason: a.Reason, RequestID: a.RequestID},
		From: a.From, To: a.To,
	}, nil
}

// describe lists what a new key was made with.
func describe(rec *Record) fields {
	f := fields{
		"name": rec.Name, "permission": rec.Permission.String(),
		"account": rec.Account, "workspace": rec.Workspace, "expires_at": stamp(rec.ExpiresAt),
	}
	if rec.Replaces != "" {
		f["replaces"] = rec.Replaces
	}
	if len(rec.Labels) > 0 {
		f["labels"] = labelText(rec.Labels)
	}
	return f
}

// stamp writes a time as the admin API does: RFC 3339, UTC, milliseconds.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
