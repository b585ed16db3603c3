package extauthz

import (
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
)

// Request is what a decision reads of an HTTP request, free of Envoy's types. A front end other than
// ext_authz fills the same value and gets the same verdict.
type Request struct {
	// HTTP is false when the check carried no HTTP request (raw TCP).
	HTTP bool
	// Method and Target are the request line's, as received. Target still has its query.
	Method, Target string
	// Authorization holds every value of the authorization field.
	Authorization []string
	// ContentType is the first content-type value, "" for none.
	ContentType string
	// RequestID is the first x-request-id value. It is the client's or the proxy's word: quote it when logging.
	RequestID string
	// Origins and RequestedMethods count the values of origin and access-control-request-method.
	Origins, RequestedMethods int
	// Peer is the IP address of whoever speaks to Envoy, "" where it has none.
	Peer string
	// ExternalAddress is the first x-envoy-external-address value, and ExternalAddresses counts the values.
	ExternalAddress   string
	ExternalAddresses int
	// Owned lists the names, as sent, of headers that claim to be identity headers of ours.
	Owned []string
}

// ParseRequest reads a CheckRequest. Headers come either in the headers map or in header_map
// (encode_raw_headers), and both are read. Method and path come from their own fields alone: Istio also
// puts pseudo-headers into the map, and a client may send anything there.
func ParseRequest(in *authv3.CheckRequest, headerPrefix string) Request {
	attributes := in.GetAttributes()
	r := Request{Peer: attributes.GetSource().GetAddress().GetSocketAddress().GetAddress()}
	http := attributes.GetRequest().GetHttp()
	if http == nil {
		return r
	}
	r.HTTP, r.Method, r.Target = true, http.GetMethod(), http.GetPath()
	for name, value := range http.GetHeaders() {
		r.addHeader(name, value, headerPrefix)
	}
	for _, header := range http.GetHeaderMap().GetHeaders() {
		r.addRawHeader(header, headerPrefix)
	}
	return r
}

// addRawHeader takes raw_value, else value. A peer that sends both in disagreement has sent two values.
func (r *Request) addRawHeader(h *corev3.HeaderValue, headerPrefix string) {
	raw, value := string(h.GetRawValue()), h.GetValue()
	if raw == "" {
		r.addHeader(h.GetKey(), value, headerPrefix)
		return
	}
	r.addHeader(h.GetKey(), raw, headerPrefix)
	if value != "" && value != raw {
		r.addHeader(h.GetKey(), value, headerPrefix)
	}
}

// addHeader keeps what decisions need. Names are compared without case: Envoy lowers them, other callers may not.
func (r *Request) addHeader(name, value, headerPrefix string) {
	switch strings.ToLower(name) {
	case "authorization":
		r.Authorization = append(r.Authorization, value)
	case "origin":
		r.Origins += countJoined(value)
	case "access-control-request-method":
		r.RequestedMethods += countJoined(value)
	case "content-type":
		if r.ContentType == "" {
			r.ContentType = value
		}
	case "x-request-id":
		if r.RequestID == "" {
			r.RequestID = value
		}
	case externalAddressName:
		if r.ExternalAddresses++; r.ExternalAddresses == 1 {
			r.ExternalAddress = value
		}
	default:
		if claimsPrefix(name, headerPrefix) {
			r.Owned = append(r.Owned, strings.ToLower(name))
		}
	}
}

// countJoined counts the values of a field whose values hold no comma: proxies join repeats by one.
func countJoined(value string) int { return 1 + strings.Count(value, ",") }

// claimsPrefix reports whether name starts with prefix once case is folded and `_` is read as `-`, as
// CGI-style upstreams read it.
func claimsPrefix(name, prefix string) bool {
	if len(name) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if foldHeaderByte(name[i]) != foldHeaderByte(prefix[i]) {
			return false
		}
	}
	return true
}

func foldHeaderByte(b byte) byte {
	switch {
	case b == '_':
		return '-'
	case 'A' <= b && b <= 'Z':
		return b + 'a' - 'A'
	}
	return b
}

// isGRPC reports whether the client speaks gRPC and so reads grpc-message instead of a body.
func (r *Request) isGRPC() bool {
	const grpc = "application/grpc"
	return len(r.ContentType) >= len(grpc) && strings.EqualFold(r.ContentType[:len(grpc)], grpc)
}

// isPreflight reports whether r has the shape of a CORS preflight (Fetch standard, CORS-preflight request):
// OPTIONS with one Origin, one Access-Control-Request-Method and no credential.
func (r *Request) isPreflight() bool {
	return r.Method == "OPTIONS" && r.Origins == 1 && r.RequestedMethods == 1 && len(r.Authorization) == 0
}
