package admin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// mustBeEnvelope checks that an answer is whole: never a 500, always one of the
// two envelopes.
func mustBeEnvelope(t *testing.T, rec *httptest.ResponseRecorder) {
	t.Helper()
	var e struct {
		Success *bool           `json:"success"`
		Data    json.RawMessage `json:"data"`
		Error   *problem        `json:"error"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &e); err != nil || e.Success == nil {
		t.Fatalf("%d %q: %v", rec.Code, rec.Body, err)
	}
	if *e.Success != (rec.Code < 300) || *e.Success == (e.Error != nil) {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if !*e.Success && (codes[rec.Code] != e.Error.Code || e.Error.Message == "") {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if rec.Code == http.StatusInternalServerError {
		t.Fatalf("input caused a 500: %s", rec.Body)
	}
	reply{rec.Code, rec.Header(), ""}.mustBeOurs(t)
}

// FuzzCreate: whatever the body, the answer is an envelope and never a 500, and
// what is accepted says the same to a strict reader.
func FuzzCreate(f *testing.F) {
	for _, body := range []string{
		``, `null`, `{}`, `[]`, `{"name":"a","permission":"read"}`, `{"name":"a","permission":"full","account":"x","workspace":"y","expires":"30d"}`,
		`{"name":"a","permission":"read","expires":"2999-12-31"}`, `{"name":"a","permission":"read","expires":null}`, `{"name":"\ud800","permission":"read"}`,
		`{"name":{"name":{}},"permission":[[[[]]]]}`, `{"name":"a","name":"b"}`, `{"NAME":"a"}`, "\xff", `{"name":1e999,"permission":true}`,
		`{"name":"a","permission":"read","expires":"9999999999999h"}`, `{"":"","":""}`, strings.Repeat("[", 40),
	} {
		f.Add([]byte(body))
	}
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		req := httptest.NewRequest("POST", "/v1/keys", strings.NewReader(string(body)))
		rec := httptest.NewRecorder()
		w.server.ServeHTTP(rec, asOwner(req))
		mustBeEnvelope(t, rec)
		if rec.Code != http.StatusCreated {
			return
		}
		var asked map[string]*string
		if err := json.Unmarshal(body, &asked); err != nil {
			t.Fatalf("accepted %q: %v", body, err)
		}
		var made struct{ Data shownKey }
		if err := json.Unmarshal(rec.Body.Bytes(), &made); err != nil {
			t.Fatal(err)
		}
		if made.Data.Permission.String() != *asked["permission"] || made.Data.Name != strings.TrimSpace(*asked["name"]) {
			t.Fatalf("asked %q, made %+v", body, made.Data.Key)
		}
	})
}

// FuzzTarget: whatever method, target and content type, the answer is an
// envelope and never a 500.
func FuzzTarget(f *testing.F) {
	for _, r := range [][3]string{
		{"GET", "/v1/keys?limit=5&status=active", ""}, {"GET", "/v1/keys/%2e%2e", ""}, {"PATCH", "/v1/keys/x", "application/json"},
		{"GET", "//v1/keys", ""}, {"POST", "/v1/keys/x/revoke", "a+b;c"}, {"CONNECT", "x:1", ""}, {"OPTIONS", "*", ""}, {"GET", "/v1/keys?&=&;", "json"},
		{"GET", "/v1/health?ready", ""}, {"GET", "/v1/keys?limit=99999999999999999999", ""},
	} {
		f.Add(r[0], r[1], r[2])
	}
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, method, target, contentType string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Skip()
		}
		req := httptest.NewRequest("GET", "/", strings.NewReader(`{"name":"a"}`))
		req.Method, req.URL, req.RequestURI = method, u, target
		req.Header.Set("Content-Type", contentType)
		rec := httptest.NewRecorder()
		w.server.ServeHTTP(rec, asOwner(req))
		mustBeEnvelope(t, rec)
	})
}
