package admin

import (
	"github.com/antinium/keygate/keystore"
)

// Role is what a caller may do with the keys of others.
type Role string

// The roles, from the most to the least.
const (
	RoleOwner    Role = "owner"    // whoever can open the Unix socket: everything
	RoleOperator Role = "operator" // an operator key, or a session that the owner handed out: the keys of its scope, but no operator keys
	RoleManager  Role = "manager"  // a full key: the keys of its own workspace, but no operator keys
	RoleHolder   Role = "holder"   // any other key: nothing but itself
)

// Principal is who calls: proven, not claimed.
type Principal struct {
	Role    Role
	Actor   string // for the audit: "uid:1000", or "key:" and the id
	Address string // where the call came from, without the port; "" over the socket
	KeyID   string // of the key that was presented, or "" if none was

	// Account and Workspace bound what the principal sees; "" is no bound.
	Account, Workspace string
}

// Wide reports whether the principal may see and manage the keys of every account.
func (p Principal) Wide() bool {
	return p.Role == RoleOwner || p.Role == RoleOperator && p.Account == ""
}

// permission is what a key must still have when the change is made that it was let
// in for.
func (p Principal) permission() keystore.Permission {
	switch p.Role {
	case RoleManager:
		return keystore.Full
	case RoleOperator:
		return keystore.Operator
	}
	return 0
}

// Manages reports whether the principal may manage keys at all.
func (p Principal) Manages() bool {
	return p.Role == RoleOwner || p.Role == RoleOperator || p.Role == RoleManager
}

// Sees reports whether a key is one that the principal may see and manage.
func (p Principal) Sees(r *keystore.Record) bool {
	if !p.Manages() || p.Role != RoleOwner && r.Permission == keystore.Operator {
		return false
	}
	return p.covers(r.Account, r.Workspace)
}

// covers compares both halves of the pair that a workspace is.
func (p Principal) covers(account, workspace string) bool {
	return (p.Account == "" || p.Account == account) && (p.Workspace == "" || p.Workspace == workspace)
}

// within puts what is left out of an account and a workspace to what the
// principal is bound to.
func (p Principal) within(account, workspace string) (string, string) {
	if account == "" {
		account = p.Account
	}
	if workspace == "" {
		workspace = p.Workspace
	}
	return account, workspace
}

// Within narrows the principal to an account and a workspace, for a session over
// TCP that may be handed to somebody else: the owner's is an operator's, since
// operator keys are a matter of the Unix socket. Ok is false where that would
// widen it.
func (p Principal) Within(account, workspace string) (narrowed Principal, ok bool) {
	if account == "" && workspace != "" || !p.covers(account, workspace) {
		return Principal{}, false
	}
	p.Account, p.Workspace = account, workspace
	if p.Role == RoleOwner {
		p.Role = RoleOperator
	}
	return p, true
}

// KeyPrincipal is the principal that presents a key. fullKeysManage is
// admin.full_keys_manage.
func KeyPrincipal(r *keystore.Record, address string, fullKeysManage bool) Principal {
	p := Principal{
		Role: RoleHolder, Actor: "key:" + r.ID, Address: address, KeyID: r.ID,
		Account: r.Account, Workspace: r.Workspace,
	}
	switch {
	case r.Permission == keystore.Operator:
		p.Role = RoleOperator
	case r.Permission == keystore.Full && fullKeysManage:
		p.Role = RoleManager
	}
	return p
}

// ownerPrincipal is the peer of the Unix socket.
func ownerPrincipal(actor string) Principal { return Principal{Role: RoleOwner, Actor: actor} }

// access says which roles may make a call.
type access uint8

const (
	ownerOnly access = iota // the zero value: a call that says nothing is nobody else's
	anyone                  // no key is asked for
	anyKey                  // every key that works
	managers                // full and operator keys
	operators               // operator keys
	wide                    // operator keys that are bound to no account
)

// admits reports whether the principal may make such a call.
func (a access) admits(p Principal) bool {
	switch a {
	case anyone:
		return true
	case anyKey:
		return p.Role != ""
	case managers:
		return p.Manages()
	case operators:
		return p.Role == RoleOwner || p.Role == RoleOperator
	case wide:
		return p.Wide()
	}
	return p.Role == RoleOwner
}
