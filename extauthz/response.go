package extauthz

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/antinium/keygate/keystore"
)

// The identity headers, behind the configured prefix.
var identityNames = []string{"key-id", "account", "workspace", "permission"}

// overrideNames let an upstream take another method or path than the one that was decided on.
var overrideNames = []string{
	"x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url",
}

// answers builds CheckResponses, and is the only place that does: the zero CheckResponse means ALLOW to
// Envoy, so every answer comes out of allow or deny.
type answers struct {
	responses Responses
	identity  []string // the owned header names, in the order of identityNames
	always    []string // removed from every request that passes
}

func newAnswers(r Responses) *answers {
	a := &answers{responses: r}
	for _, name := range identityNames {
		a.identity = append(a.identity, r.HeaderPrefix+name)
	}
	if !r.ForwardCredential {
		a.always = append(a.always, "authorization")
	}
	if !r.ForwardOverrides {
		a.always = append(a.always, overrideNames...)
	}
	for _, name := range a.identity {
		a.always = append(a.always, underscoreSpellings(name)...)
	}
	return a
}

// underscoreSpellings lists every way to write name with at least one `-` as `_`. Upstreams that read
// headers as CGI variables cannot tell them from the name itself.
func underscoreSpellings(name string) []string {
	spellings := []string{""}
	for _, c := range strings.Split(name, "-") {
		var longer []string
		for _, s := range spellings {
			if s == "" {
				longer = append(longer, c)
				continue
			}
			longer = append(longer, s+"-"+c, s+"_"+c)
		}
		spellings = longer
	}
	return slices.DeleteFunc(spellings, func(s string) bool { return s == name })
}

// respond turns a verdict into the answer for Envoy. A verdict that neither allows nor denies is a defect
// of ours and panics, which Check answers as "could not decide".
func (a *answers) respond(r Request, v Verdict) *authv3.CheckResponse {
	switch v.Reason.Result() {
	case ResultAllowed:
		return a.allow(r, v)
	case ResultDenied:
		return a.deny(r, v)
	}
	panic(fmt.Errorf("no answer for reason %s", v.Reason))
}

// allow lets the request pass: with identity when a key was judged, else without. Each owned header is either
// overwritten or removed, never both: Envoy removes after it sets.
func (a *answers) allow(r Request, v Verdict) *authv3.CheckResponse {
	ok := &authv3.OkHttpResponse{HeadersToRemove: slices.Clone(a.always)}
	if v.Reason == Allowed {
		ok.Headers = a.identityHeaders(v.Record)
	} else {
		ok.HeadersToRemove = append(ok.HeadersToRemove, a.identity...)
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(r.Owned))) {
		if !slices.Contains(a.identity, name) && !slices.Contains(a.always, name) {
			ok.HeadersToRemove = append(ok.HeadersToRemove, name)
		}
	}
	return &authv3.CheckResponse{
		Status:          status.New(codes.OK, "").Proto(),
		HttpResponse:    &authv3.CheckResponse_OkResponse{OkResponse: ok},
		DynamicMetadata: dynamicMetadata(v),
	}
}

func (a *answers) identityHeaders(k *keystore.Record) []*corev3.HeaderValueOption {
	values := []string{k.ID, k.Account, k.Workspace, k.Permission.String()}
	headers := make([]*corev3.HeaderValueOption, len(values))
	for i, value := range values {
		headers[i] = overwrite(a.identity[i], value)
	}
	return headers
}

// deny refuses the request. The body is the same for every cause that has the same status.
func (a *answers) deny(r Request, v Verdict) *authv3.CheckResponse {
	facts := a.denial(v.Reason)
	denied := &authv3.DeniedHttpResponse{
		Status:  &typev3.HttpStatus{Code: typev3.StatusCode(facts.status)},
		Headers: []*corev3.HeaderValueOption{overwrite("cache-control", "no-store")},
	}
	if facts.challenge {
		denied.Headers = append(denied.Headers, overwrite("www-authenticate", a.challenge(facts, v)))
	}
	if r.isGRPC() {
		denied.Body = facts.message // Envoy puts it into grpc-message and writes the content-type itself
	} else {
		denied.Body = envelope(facts)
		denied.Headers = append(denied.Headers, overwrite("content-type", "application/json"))
	}
	return &authv3.CheckResponse{
		Status:          status.New(facts.grpc, "").Proto(),
		HttpResponse:    &authv3.CheckResponse_DeniedResponse{DeniedResponse: denied},
		DynamicMetadata: dynamicMetadata(v),
	}
}

// denial is the reason's row of the table, with the one cell that the configuration may change.
func (a *answers) denial(r Reason) reasonFacts {
	facts := *r.facts()
	if r == InsufficientPermission && a.responses.InsufficientPermission == http.StatusForbidden {
		facts.status, facts.grpc = http.StatusForbidden, codes.PermissionDenied
		facts.code, facts.message = "FORBIDDEN", "Insufficient permissions"
	}
	return facts
}

// challenge is the WWW-Authenticate value of RFC 6750 section 3.
func (a *answers) challenge(facts reasonFacts, v Verdict) string {
	c := `Bearer realm="` + a.responses.Realm + `"`
	if facts.oauth != "" {
		c += `, error="` + facts.oauth + `"`
	}
	if v.Reason == InsufficientPermission {
		c += `, scope="` + v.Required.String() + `"`
	}
	return c
}

// envelope is the error body of the product contract. Codes and messages are constants without quotes.
func envelope(facts reasonFacts) string {
	return `{"success":false,"error":{"code":"` + facts.code + `","message":"` + facts.message + `"}}`
}

// overwrite sets a header whatever the client sent under its name: the default action would append.
func overwrite(name, value string) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{
		Header:       &corev3.HeaderValue{Key: name, Value: value},
		AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
	}
}

// dynamicMetadata is what operators read in Envoy's access log, as far as it is known.
func dynamicMetadata(v Verdict) *structpb.Struct {
	fields := map[string]*structpb.Value{"reason": structpb.NewStringValue(v.Reason.String())}
	if v.Routed {
		fields["rule"] = structpb.NewStringValue(v.RuleName())
		fields["required"] = structpb.NewStringValue(v.Required.String())
	}
	if k := v.Record; k != nil {
		fields["key_id"] = structpb.NewStringValue(k.ID)
		fields["account"] = structpb.NewStringValue(k.Account)
		fields["workspace"] = structpb.NewStringValue(k.Workspace)
		fields["permission"] = structpb.NewStringValue(k.Permission.String())
	}
	return &structpb.Struct{Fields: fields}
}
