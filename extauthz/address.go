package extauthz

import "net/netip"

// externalAddressName is the header in which Envoy tells the client's address, once its use_remote_address is
// true; it removes what the client itself sent under that name.
const externalAddressName = "x-envoy-external-address"

// address is where a request came from, for the observer only: no decision reads it. It is the peer's address,
// or, where the policy says so, the client's, if Envoy tells exactly one. What is no IP address is "".
func (p *Policy) address(r *Request) string {
	if p.responses.ClientAddress && r.ExternalAddresses == 1 && isAddress(r.ExternalAddress) {
		return r.ExternalAddress
	}
	if isAddress(r.Peer) {
		return r.Peer
	}
	return ""
}

// isAddress reports whether s is an IP address. One with a zone is none: a zone may be any text, of any length.
func isAddress(s string) bool {
	address, err := netip.ParseAddr(s)
	return err == nil && address.Zone() == ""
}
