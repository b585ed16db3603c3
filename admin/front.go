package admin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"runtime"
	"runtime/debug"
	"strings"
)

// maxBody is the size of the largest body, in bytes.
const maxBody = 1 << 20

// ServeHTTP answers one request. It sees to what holds for every route, known
// or not: headers, limits, the envelope, and that a panic is an answer.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := &answerWriter{ResponseWriter: w}
	defer s.recovered(a)
	if s.console != nil && !peerOf(r).owner && isPage(r.URL.Path) {
		s.console.ServeHTTP(a, r)
		return
	}
	a.Header().Set("Content-Type", "application/json")
	a.Header().Set("Cache-Control", "no-store")
	a.Header().Set("X-Content-Type-Options", "nosniff")
	who, f := s.admit(a, r)
	if f != nil {
		f.write(a)
		return
	}
	s.mux.ServeHTTP(a, r.WithContext(withCaller(r, who)))
}

// isPage tells what belongs to the console from the API.
func isPage(path string) bool {
	return path == "/" || path == "/console" || strings.HasPrefix(path, "/console/")
}

// admit refuses what no endpoint shall see, and leaves a body that is read,
// bounded and JSON by its type. Who calls is settled before anything that the
// caller sent is read.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) (Principal, *failure) {
	pattern, f := s.route(w, r)
	if f != nil {
		return Principal{}, f
	}
	who, f := s.authorize(w, r, s.access[pattern])
	if f != nil {
		return Principal{}, f
	}
	if f := checkQuery(r.URL.RawQuery); f != nil {
		return Principal{}, f
	}
	return who, readBody(w, r, bodyLimit(pattern), bodyType(pattern))
}

// route refuses unknown routes and methods in the envelope, which ServeMux
// would do in plain text. Paths that ServeMux would clean and redirect are
// unknown ones here.
func (s *Server) route(w http.ResponseWriter, r *http.Request) (pattern string, f *failure) {
	unknown := newFailure(http.StatusNotFound, "no such route")
	if p := r.URL.EscapedPath(); p == "" || p[0] != '/' || path.Clean(p) != p {
		return "", unknown
	}
	h, pattern := s.mux.Handler(r)
	if pattern != "" {
		return pattern, nil
	}
	refusal := &statusRecorder{header: http.Header{}}
	h.ServeHTTP(refusal, r)
	if refusal.status != http.StatusMethodNotAllowed {
		return "", unknown
	}
	allow := refusal.header.Get("Allow")
	w.Header().Set("Allow", allow)
	return "", newFailure(http.StatusMethodNotAllowed, "this route takes "+allow)
}

// The lines of an import are the one body that is neither small nor one JSON value.
const (
	importLinesPattern = "POST /v1/imports/{id}/lines"
	maxImportBody      = 8 << 20 // bytes
	jsonType           = "application/json"
	linesType          = "application/x-ndjson"
)

func bodyLimit(pattern string) int64 {
	if pattern == importLinesPattern {
		return maxImportBody
	}
	return maxBody
}

func bodyType(pattern string) string {
	if pattern == importLinesPattern {
		return linesType
	}
	return jsonType
}

// checkQuery refuses a query that reads differently to different readers. A
// filter that is quietly dropped would list too much.
func checkQuery(raw string) *failure {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return newFailure(http.StatusBadRequest, "query: cannot be read; check its % escapes")
	}
	for name, values := range query {
		if len(values) > 1 {
			return newFailure(http.StatusBadRequest, fieldName(name)+": given more than once")
		}
	}
	return nil
}

// readBody reads the whole body of a request that has one, so that everything
// behind it works on bytes that are already here.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, media string) *failure {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return newFailure(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", limit))
	case err != nil:
		return newFailure(http.StatusBadRequest, "body: did not arrive in full")
	case len(body) > 0 && !isOfType(r.Header.Get("Content-Type"), media):
		return newFailure(http.StatusBadRequest, "body: send it with content-type: "+media)
	}
	r.Header.Set("Content-Type", media)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// isOfType takes a missing type for the right one, as people who type curl leave
// it out.
func isOfType(contentType, wanted string) bool {
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == wanted
}

// recovered turns a panic into a 500. The log shows where, and of the value only
// what the runtime itself says: any other value may hold what a caller sent.
func (s *Server) recovered(a *answerWriter) {
	v := recover()
	if v == nil {
		return
	}
	what := fmt.Sprintf("%T", v)
	if err, ok := v.(runtime.Error); ok {
		what = err.Error()
	}
	s.log.Error("admin API: panic", "panic", what, "stack", string(debug.Stack()))
	if a.started {
		panic(http.ErrAbortHandler) // a cut answer must not look whole
	}
	newFailure(http.StatusInternalServerError, internalMessage).write(a)
}

// answerWriter remembers whether an answer has begun.
type answerWriter struct {
	http.ResponseWriter
	started bool
}

func (a *answerWriter) WriteHeader(status int) {
	a.started = true
	a.ResponseWriter.WriteHeader(status)
}

func (a *answerWriter) Write(b []byte) (int, error) {
	a.started = true
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController and huma reach the connection.
func (a *answerWriter) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// statusRecorder keeps status and header of an answer and drops the rest.
type statusRecorder struct {
	header http.Header
	status int
}

func (s *statusRecorder) Header() http.Header         { return s.header }
func (s *statusRecorder) WriteHeader(status int)      { s.status = status }
func (s *statusRecorder) Write(b []byte) (int, error) { return len(b), nil }
