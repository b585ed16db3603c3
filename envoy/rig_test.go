package envoy

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// policy is what keygate decides by in most of these tests.
const policy = `
responses: { realm: api }
routes:
  /healthz:         { GET: public }
  /v1/**:           { GET: read, "*": full }
  /v1/documents/**: { GET: read, "*": write }
  /v1/workspace/**: { "*": full }
  /v1/closed/**:    { "*": deny }
default: full
`

// rig is the whole path of a request: client, Envoy, keygate, upstream.
type rig struct {
	*proxy
	keygate  *keygate
	upstream *upstream
}

// edit changes a rendered configuration before Envoy reads it.
type edit func(t *testing.T, yaml string) string

// startRig starts upstream, keygate and Envoy, with Envoy's configuration as we
// ship it but for the addresses and, since tests run on busy machines, the time
// that a check may take.
func startRig(t *testing.T, network, policy string, edits ...edit) *rig {
	t.Helper()
	return startRigInTime(t, network, policy, append(edits, unhurried)...)
}

// startRigInTime is startRig with the time of a check as we ship it.
func startRigInTime(t *testing.T, network, policy string, edits ...edit) *rig {
	t.Helper()
	envoyBinary(t) // skips before anything is built
	r := &rig{upstream: startUpstream(t), keygate: startKeygate(t, network, policy)}
	r.proxy = startProxy(t, r.configuration(t, r.keygate.listen, edits...))
	return r
}

// unhurried keeps a check that waits for a processor from being taken for one
// that hangs.
var unhurried = swap("timeout: 0.25s", "timeout: 30s")

// configuration renders envoy.yaml for the addresses of this rig.
func (r *rig) configuration(t *testing.T, keygate Address, edits ...edit) string {
	t.Helper()
	text := must(t, Render, r.params(keygate))
	for _, change := range edits {
		text = change(t, text)
	}
	return text
}

func (r *rig) params(keygate Address) Params {
	return Params{
		Address:  keygate,
		Listen:   "127.0.0.1:0",
		Admin:    "127.0.0.1:0",
		Upstream: strings.TrimPrefix(r.upstream.URL, "http://"),
		Rewrite:  &DemoRewrite,
	}
}

// swap replaces text that has to be there.
func swap(old, new string) edit {
	return func(t *testing.T, yaml string) string {
		t.Helper()
		if !strings.Contains(yaml, old) {
			t.Fatalf("the configuration does not hold %q", old)
		}
		return strings.ReplaceAll(yaml, old, new)
	}
}

// uncomment puts a setting in force that we ship as a comment.
func uncomment(setting string) edit { return swap("# "+setting, setting) }

// reply is an answer, read to the end.
type reply struct {
	*http.Response
	body string
}

// http1Client and http2Client speak to Envoy in clear text.
var (
	http1Client = newClient(func(p *http.Protocols) { p.SetHTTP1(true) })
	http2Client = newClient(func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) })
)

func newClient(speak func(*http.Protocols)) *http.Client {
	var protocols http.Protocols
	speak(&protocols)
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true, Protocols: &protocols},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       patience,
	}
}

// overHTTP2 is the same Envoy, talked to in HTTP/2.
func (p *proxy) overHTTP2() *proxy {
	also := *p
	also.client = http2Client
	return &also
}

// send makes one request. header holds name and value in turn; a name may come
// more than once and is sent as it is spelt.
func (p *proxy) send(method, target string, header ...string) (reply, error) {
	request, err := http.NewRequest(method, "http://"+p.address+target, nil)
	if err != nil {
		return reply{}, err
	}
	for i := 0; i < len(header); i += 2 {
		request.Header[header[i]] = append(request.Header[header[i]], header[i+1])
	}
	answer, err := p.client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return reply{answer, string(body)}, err
}

// do is send for a test that cannot go on without an answer.
func (p *proxy) do(t *testing.T, method, target string, header ...string) reply {
	t.Helper()
	answer, err := p.send(method, target, header...)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// bearer is the header that carries a key.
func bearer(k key) []string { return []string{"Authorization", "Bearer " + k.text} }

var marks atomic.Int64

// mark gives a header that no other request has, to find a request at the upstream.
func mark() (value string, header []string) {
	value = fmt.Sprint(marks.Add(1))
	return value, []string{probeHeader, value}
}

// requestID is what Envoy called the request.
func (r reply) requestID() string { return r.Header.Get("X-Request-Id") }
