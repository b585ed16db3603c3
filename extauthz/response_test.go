package extauthz

import (
	"slices"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/antinium/keygate/extauthz/rules"
	"github.com/antinium/keygate/keystore"
)

var testRecord = &keystore.Record{
	ID: "01JABCDEFGHJKMNPQRSTVWXYZ0", Name: "a name", Permission: keystore.Write, Account: "acme", Workspace: "main",
}

// verdictFor is a verdict as Decide would give it for reason.
func verdictFor(r Reason) Verdict {
	v := Verdict{Reason: r}
	if r >= Preflight {
		v.Routed, v.Rule, v.Required = true, "/v1/**", rules.Full
	}
	if r >= Revoked {
		v.Record = testRecord
	}
	return v
}

const unauthorizedBody = `{"success":false,"error":{"code":"UNAUTHORIZED","message":"Invalid or missing API key"}}`

// TestDenialBytes holds the exact bytes of every denial.
func TestDenialBytes(t *testing.T) {
	badRequest := func(message string) string {
		return `{"success":false,"error":{"code":"BAD_REQUEST","message":"` + message + `"}}`
	}
	const invalid, scope = `Bearer realm="api", error="invalid_token"`, `Bearer realm="api", error="insufficient_scope"`
	want := map[Reason]struct {
		status          int
		code            codes.Code
		challenge, body string
	}{
		NotHTTP:                {403, codes.PermissionDenied, "", `{"success":false,"error":{"code":"FORBIDDEN","message":"Not an HTTP request"}}`},
		BadMethod:              {400, codes.PermissionDenied, "", badRequest("Unsupported method")},
		AmbiguousPath:          {400, codes.PermissionDenied, "", badRequest("Ambiguous request path")},
		NoCredential:           {401, codes.Unauthenticated, `Bearer realm="api"`, unauthorizedBody},
		MalformedCredential:    {401, codes.Unauthenticated, invalid, unauthorizedBody},
		UnknownKey:             {401, codes.Unauthenticated, invalid, unauthorizedBody},
		CorruptRecord:          {401, codes.Unauthenticated, invalid, unauthorizedBody},
		Revoked:                {401, codes.Unauthenticated, invalid, unauthorizedBody},
		Disabled:               {401, codes.Unauthenticated, invalid, unauthorizedBody},
		Expired:                {401, codes.Unauthenticated, invalid, unauthorizedBody},
		NoRule:                 {401, codes.Unauthenticated, scope, unauthorizedBody},
		InsufficientPermission: {401, codes.Unauthenticated, scope + `, scope="full"`, unauthorizedBody},
	}
	a := newAnswers(Responses{}.withDefaults())
	for _, r := range Reasons() {
		if r.Result() != ResultDenied {
			continue
		}
		t.Run(r.String(), func(t *testing.T) {
			w := want[r]
			headers := map[string]string{"cache-control": "no-store", "content-type": "application/json"}
			if w.challenge != "" {
				headers["www-authenticate"] = w.challenge
			}
			out := a.respond(Request{}, verdictFor(r))
			assertDenied(t, out, w.code, w.status, headers, w.body)
		})
	}
}

func TestForbiddenIsOptIn(t *testing.T) {
	a := newAnswers(Responses{InsufficientPermission: 403, Realm: "docs"}.withDefaults())
	assertDenied(t, a.respond(Request{}, verdictFor(InsufficientPermission)), codes.PermissionDenied, 403, map[string]string{
		"cache-control": "no-store", "content-type": "application/json",
		"www-authenticate": `Bearer realm="docs", error="insufficient_scope", scope="full"`,
	}, `{"success":false,"error":{"code":"FORBIDDEN","message":"Insufficient permissions"}}`)
	assertDenied(t, a.respond(Request{}, verdictFor(NoRule)), codes.Unauthenticated, 401, map[string]string{
		"cache-control": "no-store", "content-type": "application/json",
		"www-authenticate": `Bearer realm="docs", error="insufficient_scope"`,
	}, unauthorizedBody)
}

// A gRPC client reads the message alone; a content-type of ours would break its answer.
func TestGRPCDenial(t *testing.T) {
	a := newAnswers(Responses{}.withDefaults())
	for _, contentType := range []string{"application/grpc", "application/grpc+proto", "Application/gRPC-web"} {
		assertDenied(t, a.respond(Request{ContentType: contentType}, verdictFor(Revoked)), codes.Unauthenticated, 401, map[string]string{
			"cache-control": "no-store", "www-authenticate": `Bearer realm="api", error="invalid_token"`,
		}, "Invalid or missing API key")
	}
}

func assertDenied(t *testing.T, out *authv3.CheckResponse, code codes.Code, status int, headers map[string]string, body string) {
	t.Helper()
	denied := out.GetDeniedResponse()
	if denied == nil {
		t.Fatalf("no denied_response in %v", out)
	}
	if codes.Code(out.GetStatus().GetCode()) != code || int(denied.GetStatus().GetCode()) != status || denied.GetBody() != body {
		t.Errorf("got code %d, status %d, body %s", out.GetStatus().GetCode(), denied.GetStatus().GetCode(), denied.GetBody())
	}
	got := map[string]string{}
	for _, h := range denied.GetHeaders() {
		assertOverwrites(t, h)
		got[h.GetHeader().GetKey()] = h.GetHeader().GetValue()
	}
	if diff := cmp.Diff(headers, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if err := out.ValidateAll(); err != nil {
		t.Errorf("Envoy's own validation: %v", err)
	}
}

func assertOverwrites(t *testing.T, h *corev3.HeaderValueOption) {
	t.Helper()
	if h.GetAppendAction() != corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD || h.GetHeader().GetValue() == "" {
		t.Errorf("header %v does not overwrite, or is empty", h)
	}
}

// applied is what an upstream receives: Envoy sets headers first and removes names afterwards.
func applied(sent []header, out *authv3.CheckResponse) []header {
	result := slices.Clone(sent)
	without := func(name string) {
		result = slices.DeleteFunc(result, func(h header) bool { return strings.EqualFold(h.name, name) })
	}
	for _, h := range out.GetOkResponse().GetHeaders() {
		without(h.GetHeader().GetKey())
		result = append(result, header{h.GetHeader().GetKey(), h.GetHeader().GetValue()})
	}
	for _, name := range out.GetOkResponse().GetHeadersToRemove() {
		without(name)
	}
	return result
}

// TestIdentityCannotBeSpoofed: whatever a client sends under our prefix, in every spelling of `-` and `_`, an
// upstream sees exactly the four headers that keygate set, or none on a public route.
func TestIdentityCannotBeSpoofed(t *testing.T) {
	sent := []header{{"authorization", "Bearer x"}, {"accept", "text/html"}, {"x-antinium-extra", "forged"},
		{"x-antinium-extra", "twice"}, {"x-http-method-override", "DELETE"}, {"x-original-url", "/admin"}, {"x-rewrite-url", "/admin"},
		{"x-http-method", "DELETE"}, {"x-method-override", "DELETE"}}
	for _, name := range []string{"x-antinium-key-id", "x-antinium-account", "x-antinium-workspace", "x-antinium-permission"} {
		sent = append(sent, header{name, "forged"}, header{name, "twice"}, header{strings.ToUpper(name), "forged"})
		for _, spelling := range underscoreSpellings(name) {
			sent = append(sent, header{spelling, "forged"})
		}
	}
	identity := []header{{"x-antinium-key-id", testRecord.ID}, {"x-antinium-account", "acme"},
		{"x-antinium-workspace", "main"}, {"x-antinium-permission", "write"}}
	a := newAnswers(Responses{}.withDefaults())
	for _, seen := range []string{"all headers", "allowed headers", "none"} {
		request := Request{HTTP: true}
		for _, h := range sent {
			if seen == "all headers" || seen == "allowed headers" && strings.HasPrefix(strings.ToLower(h.name), testPrefix) {
				request.addHeader(h.name, h.value, testPrefix)
			}
		}
		upstreamOnly := sent
		if seen == "none" { // what keygate is not shown, it removes by name
			upstreamOnly = slices.DeleteFunc(slices.Clone(sent), func(h header) bool { return h.name == "x-antinium-extra" })
		}
		want := append([]header{{"accept", "text/html"}}, identity...)
		if diff := cmp.Diff(want, applied(upstreamOnly, a.respond(request, verdictFor(Allowed))), cmp.AllowUnexported(header{})); diff != "" {
			t.Errorf("%s: allowed (-want +got):\n%s", seen, diff)
		}
		for _, r := range []Reason{Public, Preflight} {
			if diff := cmp.Diff(want[:1], applied(upstreamOnly, a.respond(request, verdictFor(r))), cmp.AllowUnexported(header{})); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", seen, r, diff)
			}
		}
	}
}

// Each owned header is either set or removed, never both, and no name is removed twice.
func TestSetOrRemoved(t *testing.T) {
	a := newAnswers(Responses{}.withDefaults())
	request := Request{Owned: []string{"x-antinium-key-id", "x-antinium-key_id", "x-antinium-a", "x-antinium-a"}}
	for _, r := range []Reason{Allowed, Public, Preflight} {
		ok := a.respond(request, verdictFor(r)).GetOkResponse()
		seen := map[string]int{}
		for _, h := range ok.GetHeaders() {
			assertOverwrites(t, h)
			seen[h.GetHeader().GetKey()]++
		}
		for _, name := range ok.GetHeadersToRemove() {
			seen[name]++
		}
		for name, times := range seen {
			if times != 1 {
				t.Errorf("%s: %s is named %d times", r, name, times)
			}
		}
		for _, name := range a.identity {
			if seen[name] != 1 {
				t.Errorf("%s: %s is neither set nor removed", r, name)
			}
		}
	}
}

// Answers share nothing that changes: one check's removals must not show in another's.
func TestAnswersAreIndependent(t *testing.T) {
	a := newAnswers(Responses{}.withDefaults())
	a.always = slices.Grow(a.always, 8)
	first := a.respond(Request{Owned: []string{"x-antinium-first"}}, verdictFor(Allowed)).GetOkResponse()
	second := a.respond(Request{Owned: []string{"x-antinium-second"}}, verdictFor(Allowed)).GetOkResponse()
	if slices.Contains(first.GetHeadersToRemove(), "x-antinium-second") || !slices.Contains(second.GetHeadersToRemove(), "x-antinium-second") {
		t.Errorf("first removes %q, second removes %q", first.GetHeadersToRemove(), second.GetHeadersToRemove())
	}
}

func TestForwardOptions(t *testing.T) {
	sent := []header{{"authorization", "Bearer x"}, {"x-original-url", "/a"}, {"x-http-method-override", "PUT"}}
	for _, tc := range []struct {
		responses Responses
		want      []header
	}{
		{Responses{}, []header{}},
		{Responses{ForwardCredential: true}, sent[:1]},
		{Responses{ForwardOverrides: true}, sent[1:]},
	} {
		a := newAnswers(tc.responses.withDefaults())
		if diff := cmp.Diff(tc.want, applied(sent, a.respond(Request{}, verdictFor(Public))), cmp.AllowUnexported(header{})); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tc.responses, diff)
		}
	}
}

func TestHeaderPrefixIsConfigurable(t *testing.T) {
	a := newAnswers(Responses{HeaderPrefix: "x-who-"}.withDefaults())
	ok := a.respond(Request{}, verdictFor(Allowed)).GetOkResponse()
	if got := ok.GetHeaders()[0].GetHeader().GetKey(); got != "x-who-key-id" {
		t.Errorf("first identity header is %q", got)
	}
	if !slices.Contains(ok.GetHeadersToRemove(), "x_who_key_id") {
		t.Errorf("x_who_key_id is not removed: %q", ok.GetHeadersToRemove())
	}
}

func TestUnderscoreSpellings(t *testing.T) {
	got := underscoreSpellings("x-antinium-key-id")
	if len(got) != 7 || slices.Contains(got, "x-antinium-key-id") || !slices.Contains(got, "x_antinium_key_id") {
		t.Errorf("got %q", got)
	}
}

// TestMetadata: what is known goes out, on denials too, and nothing empty does.
func TestMetadata(t *testing.T) {
	a := newAnswers(Responses{}.withDefaults())
	identity := map[string]any{"key_id": testRecord.ID, "account": "acme", "workspace": "main", "permission": "write"}
	for _, r := range Reasons() {
		if r == CouldNotDecide {
			continue
		}
		want := map[string]any{"reason": r.String()}
		if r >= Preflight {
			want["rule"], want["required"] = "/v1/**", "full"
		}
		if r >= Revoked {
			for k, v := range identity {
				want[k] = v
			}
		}
		if diff := cmp.Diff(want, a.respond(Request{}, verdictFor(r)).GetDynamicMetadata().AsMap()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r, diff)
		}
	}
	byDefault := Verdict{Reason: NoRule, Routed: true}
	if got := dynamicMetadata(byDefault).AsMap()["rule"]; got != "default" {
		t.Errorf("rule = %v where no pattern decides, want default", got)
	}
}

// The zero CheckResponse means ALLOW to Envoy, so no undecided verdict may become one.
func TestNoAnswerWithoutADecision(t *testing.T) {
	a := newAnswers(Responses{}.withDefaults())
	for _, r := range []Reason{Undecided, CouldNotDecide, reasonCount, 255} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("reason %d was answered", r)
				}
			}()
			a.respond(Request{}, Verdict{Reason: r})
		}()
	}
}
