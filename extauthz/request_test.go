package extauthz

import (
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
)

const testPrefix = "x-antinium-"

// header is one header line; a check carries lines in a map or in a list.
type header struct{ name, value string }

// asMap builds a CheckRequest as Envoy sends it without encode_raw_headers.
func asMap(method, target string, headers ...header) *authv3.CheckRequest {
	in := httpCheck(method, target)
	in.Attributes.Request.Http.Headers = map[string]string{}
	for _, h := range headers {
		in.Attributes.Request.Http.Headers[h.name] = h.value
	}
	return in
}

// asList builds a CheckRequest as Envoy sends it with encode_raw_headers.
func asList(method, target string, headers ...header) *authv3.CheckRequest {
	in := httpCheck(method, target)
	list := &corev3.HeaderMap{}
	for _, h := range headers {
		list.Headers = append(list.Headers, &corev3.HeaderValue{Key: h.name, RawValue: []byte(h.value)})
	}
	in.Attributes.Request.Http.HeaderMap = list
	return in
}

func httpCheck(method, target string) *authv3.CheckRequest {
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{
		Http: &authv3.AttributeContext_HttpRequest{Method: method, Path: target},
	}}}
}

func TestParseRequestReadsMapAndList(t *testing.T) {
	headers := []header{
		{"authorization", "Bearer abc"}, {"content-type", "application/grpc"}, {"x-request-id", "r-1"},
		{"origin", "https://a.example"}, {"access-control-request-method", "PUT"},
		{"x-antinium-key-id", "forged"}, {"X-Antinium_Extra", "forged"}, {"x-antinium", "no prefix"}, {"cookie", "ant_x"},
	}
	want := Request{
		HTTP: true, Method: "GET", Target: "/v1/x?q", Authorization: []string{"Bearer abc"},
		ContentType: "application/grpc", RequestID: "r-1", Origins: 1, RequestedMethods: 1,
		Owned: []string{"x-antinium-key-id", "x-antinium_extra"},
	}
	inOrder := cmp.Transformer("sorted", func(names []string) map[string]int {
		counts := map[string]int{}
		for _, n := range names {
			counts[n]++
		}
		return counts
	})
	for name, in := range map[string]*authv3.CheckRequest{
		"map": asMap("GET", "/v1/x?q", headers...), "list": asList("GET", "/v1/x?q", headers...),
	} {
		if diff := cmp.Diff(want, ParseRequest(in, testPrefix), inOrder); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Istio puts :path and :method into the headers map; a decision reads the fields alone.
func TestHeadersNeverOutvoteMethodAndPath(t *testing.T) {
	in := asMap("GET", "/v1/documents", header{":path", "/healthz"}, header{":method", "OPTIONS"},
		header{"x-original-url", "/healthz"}, header{"x-http-method-override", "OPTIONS"}, header{"x-forwarded-uri", "/healthz"})
	got := ParseRequest(in, testPrefix)
	if got.Method != "GET" || got.Target != "/v1/documents" {
		t.Errorf("got %s %s, want GET /v1/documents", got.Method, got.Target)
	}
}

func TestParseRequestWithoutHTTP(t *testing.T) {
	for name, in := range map[string]*authv3.CheckRequest{
		"nil":           nil,
		"no attributes": {},
		"no request":    {Attributes: &authv3.AttributeContext{}},
		"no http":       {Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{}}},
	} {
		if got := ParseRequest(in, testPrefix); got.HTTP {
			t.Errorf("%s: taken for an HTTP request: %+v", name, got)
		}
	}
}

// A credential counts once for each time that it was sent, whatever the way.
func TestParseRequestCountsCredentials(t *testing.T) {
	both := asMap("GET", "/", header{"authorization", "Bearer a"})
	both.Attributes.Request.Http.HeaderMap = &corev3.HeaderMap{Headers: []*corev3.HeaderValue{{Key: "authorization", RawValue: []byte("Bearer a")}}}
	rawAndValue := asList("GET", "/")
	rawAndValue.Attributes.Request.Http.HeaderMap = &corev3.HeaderMap{Headers: []*corev3.HeaderValue{
		{Key: "authorization", Value: "Bearer a", RawValue: []byte("Bearer b")}}}
	for name, tc := range map[string]struct {
		in   *authv3.CheckRequest
		want int
	}{
		"map":                    {asMap("GET", "/", header{"authorization", "Bearer a"}), 1},
		"map, two spellings":     {asMap("GET", "/", header{"authorization", "Bearer a"}, header{"Authorization", "Bearer a"}), 2},
		"list":                   {asList("GET", "/", header{"authorization", "Bearer a"}), 1},
		"list, repeated":         {asList("GET", "/", header{"authorization", "Bearer a"}, header{"Authorization", "Bearer a"}), 2},
		"map and list":           {both, 2},
		"raw differs from value": {rawAndValue, 2},
	} {
		if got := ParseRequest(tc.in, testPrefix); len(got.Authorization) != tc.want {
			t.Errorf("%s: %d credentials, want %d", name, len(got.Authorization), tc.want)
		}
	}
}
