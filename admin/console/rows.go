package console

import (
	"slices"
	"strings"
	"time"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/keystore"
)

// masked is a key as it may be shown: ant_...WXYZ.
func masked(k admin.Key) string { return k.Prefix + "..." + k.Last4 }

// row is a key in one line.
func row(k admin.Key, now time.Time) KeyRow {
	working := k.Status == keystore.Active || k.Status == keystore.Retiring
	return KeyRow{
		ID: k.ID, Name: k.Name, Masked: masked(k), Permission: k.Permission.String(), Status: string(k.Status),
		Account: string(k.Account), Workspace: string(k.Workspace),
		Created: dayOf(k.CreatedAt.Time), LastUsed: past(k.LastUsedAt.Time, now), Expires: end(k.ExpiresAt.Time, now),
		ExpiresSoon: working && !k.ExpiresAt.IsZero() && k.ExpiresAt.Sub(now) < soonest,
	}
}

// rowOf is the key with an id, or nil if the visitor sees none.
func (v *visit) rowOf(id string) *KeyRow {
	if id == "" {
		return nil
	}
	k, err := v.keys.Get(id)
	if err != nil {
		return nil
	}
	r := row(k, v.keys.Now())
	return &r
}

// maker says who an actor is: the key, where the visitor may see it.
func (v *visit) maker(actor string) Maker {
	if id, isKey := strings.CutPrefix(actor, "key:"); isKey {
		if r := v.rowOf(id); r != nil {
			return Maker{Words: r.Name, KeyID: id}
		}
		return Maker{Words: "key " + id}
	}
	if uid, isUser := strings.CutPrefix(actor, "uid:"); isUser {
		return Maker{Words: "the server's user " + uid}
	}
	return Maker{Words: actor}
}

// fewMade is how many of the keys that a key made are shown.
const fewMade = 5

// made are the living keys that a key made: how many, with those that they
// made, and a few of them. They are in its own workspace.
func (v *visit) made(r *keystore.Record) (few []KeyRow, living int, err error) {
	if living, err = v.keys.Made(r.ID); err != nil || living == 0 {
		return nil, 0, err
	}
	now := v.keys.Now()
	keys, _, err := v.keys.List(keystore.Filter{
		Account: r.Account, Workspace: r.Workspace, Newest: true,
		Match: func(other *keystore.Record) bool { return other.MadeBy() == r.ID && !other.Ended(now) },
	}, "", fewMade)
	for _, k := range keys {
		few = append(few, row(k, now))
	}
	return few, living, err
}

// labelsOf lists the labels of a key by name.
func labelsOf(labels map[string]string) (list []Label) {
	for name, value := range labels {
		list = append(list, Label{name, value})
	}
	slices.SortFunc(list, func(a, b Label) int { return strings.Compare(a.Key, b.Key) })
	return list
}

// labelLines is what the form for labels holds: one a line.
func labelLines(labels map[string]string) string {
	var lines []string
	for _, l := range labelsOf(labels) {
		lines = append(lines, l.Key+"="+l.Value)
	}
	return strings.Join(lines, "\n")
}

// readLabels reads such a form. problem is for the person who wrote it.
func readLabels(text string) (labels map[string]string, problem string) {
	labels = map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		if _, twice := labels[name]; !found || name == "" || twice {
			return nil, "Write one name=value a line, each name once."
		}
		labels[name] = value
	}
	return labels, ""
}

// relabelled is the change from the labels that there are to those that are wanted.
func relabelled(have, want map[string]string) map[string]*string {
	change := map[string]*string{}
	for name := range have {
		change[name] = nil
	}
	for name, value := range want {
		change[name] = &value
	}
	return change
}
