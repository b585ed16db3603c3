package envoy

import (
	"testing"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authzv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Every configuration has the settings that keygate rests on, also those whose
// absence no single request would show.
func TestEveryConfigurationHasTheSettingsKeygateRestsOn(t *testing.T) {
	for name, text := range everyYAML(t) {
		b, err := decodeStrictly([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for setting, holds := range settings(t, b) {
			if !holds {
				t.Errorf("%s: not as it should be: %s", name, setting)
			}
		}
	}
}

func settings(t *testing.T, b *bootstrapv3.Bootstrap) map[string]bool {
	t.Helper()
	var manager hcmv3.HttpConnectionManager
	unpack(t, b.StaticResources.Listeners[0].FilterChains[0].Filters[0].GetTypedConfig(), &manager)
	var authz authzv3.ExtAuthz
	unpack(t, manager.HttpFilters[1].GetTypedConfig(), &authz)
	keygate := b.StaticResources.Clusters[0]
	hosts := manager.GetRouteConfig().GetVirtualHosts()
	routes := hosts[0].Routes
	allowed := authz.GetAllowedHeaders().GetPatterns()
	return map[string]bool{
		"cors first":                       manager.HttpFilters[0].Name == "envoy.filters.http.cors",
		"ext_authz second":                 manager.HttpFilters[1].Name == "envoy.filters.http.ext_authz",
		"router last":                      manager.HttpFilters[len(manager.HttpFilters)-1].Name == "envoy.filters.http.router",
		"normalize_path":                   manager.GetNormalizePath().GetValue(),
		"merge_slashes":                    manager.MergeSlashes,
		"path_with_escaped_slashes_action": manager.PathWithEscapedSlashesAction == hcmv3.HttpConnectionManager_REJECT_REQUEST,
		"headers_with_underscores_action":  manager.GetCommonHttpProtocolOptions().HeadersWithUnderscoresAction == corev3.HttpProtocolOptions_REJECT_REQUEST,
		"use_remote_address":               manager.GetUseRemoteAddress().GetValue(),
		"always_set_request_id":            manager.AlwaysSetRequestIdInResponse,
		"failure_mode_allow":               !authz.FailureModeAllow,
		"status_on_error":                  authz.GetStatusOnError().GetCode() == 503,
		"timeout":                          authz.GetGrpcService().GetTimeout().AsDuration().String() == "250ms",
		"encode_raw_headers":               authz.EncodeRawHeaders,
		"allowed_headers":                  len(allowed) == 6 || len(allowed) == 7 && allowed[6].GetExact() == "x-envoy-external-address",
		"validate_mutations":               authz.ValidateMutations,
		"mutation rules":                   authz.GetDecoderHeaderMutationRules().GetDisallowAll().GetValue(),
		"mutations fail":                   authz.GetDecoderHeaderMutationRules().GetDisallowIsError().GetValue(),
		"clear_route_cache":                !authz.ClearRouteCache,
		"shadow_mode":                      !authz.ShadowMode,
		"no request body":                  authz.WithRequestBody == nil,
		"always on":                        authz.FilterEnabled == nil && authz.FilterEnabledMetadata == nil && !manager.HttpFilters[1].Disabled,
		"max_requests":                     keygate.GetCircuitBreakers().GetThresholds()[0].GetMaxRequests().GetValue() == 10000,
		"max_pending_requests":             keygate.GetCircuitBreakers().GetThresholds()[0].GetMaxPendingRequests().GetValue() == 10000,
		"one catch-all route, last":        routes[len(routes)-1].GetMatch().GetPrefix() == "/" && len(hosts) == 1 && hosts[0].Domains[0] == "*",
		"admin page on loopback":           b.GetAdmin().GetAddress().GetSocketAddress().GetAddress() == "127.0.0.1",
		"listener on loopback":             b.StaticResources.Listeners[0].GetAddress().GetSocketAddress().GetAddress() == "127.0.0.1",
	}
}

func unpack(t *testing.T, packed *anypb.Any, into proto.Message) {
	t.Helper()
	if err := packed.UnmarshalTo(into); err != nil {
		t.Fatal(err)
	}
}
