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
	"slices"
	"strings"
)

// rule is what holds for a route before its endpoint is called. The zero rule is
// that of a route that says nothing: the owner's alone, and without a body.
type rule struct {
	access access
	takes  body
}

// body is what a route takes as its body.
type body struct {
	limit int64 // bytes
	media string
}

// The bodies there are: one JSON value, and the lines of an import.
var (
	jsonBody = body{1 << 20, "application/json"}
	lineBody = body{8 << 20, "application/x-ndjson"}
)

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
	rule := s.rules[pattern]
	who, f := s.authorize(r, rule.access)
	if f != nil {
		return Principal{}, f
	}
	if f := checkHeader(r.Header); f != nil {
		return Principal{}, f
	}
	if f := checkQuery(r.URL.RawQuery); f != nil {
		return Principal{}, f
	}
	if f := readBody(w, r, rule.takes); f != nil {
		return Principal{}, f
	}
	return s.again(who, rule.access)
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
	if methods := s.methodsAt(r.URL.Path); len(methods) > 0 && !slices.Contains(methods, r.Method) {
		return "", wrongMethod(w, strings.Join(methods, ", "))
	}
	if pattern != "" {
		return pattern, nil
	}
	refusal := &statusRecorder{header: http.Header{}}
	h.ServeHTTP(refusal, r)
	if refusal.status != http.StatusMethodNotAllowed {
		return "", unknown
	}
	return "", wrongMethod(w, refusal.header.Get("Allow"))
}

func wrongMethod(w http.ResponseWriter, allow string) *failure {
	w.Header().Set("Allow", allow)
	return newFailure(http.StatusMethodNotAllowed, "this route takes "+allow)
}

// methodsAt are the methods of a path that is a route by name, such as
// /v1/keys/find: with any other method it is not the key "find".
func (s *Server) methodsAt(path string) (methods []string) {
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodPatch, http.MethodPost} {
		if _, known := s.rules[method+" "+path]; !known {
			continue
		}
		if methods = append(methods, method); method == http.MethodGet {
			methods = append(methods, http.MethodHead) // as ServeMux has it
		}
	}
	return methods
}

// checkHeader refuses a header that reads differently to different readers.
func checkHeader(h http.Header) *failure {
	for _, name := range []string{headerClaimed, headerReason, headerRequestID, headerOnce, headerMatch} {
		if len(h.Values(name)) > 1 {
			return newFailure(http.StatusBadRequest, name+": given more than once")
		}
	}
	return nil
}

// checkQuery refuses a query that reads differently to different readers. A
// filter that is quietly dropped would list too much.
func checkQuery(raw string) *failure {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return newFailure(http.StatusBadRequest, "query: cannot be read; check its % escapes")
	}
	for name, values := range query {
		switch {
		case len(values) > 1:
			return newFailure(http.StatusBadRequest, fieldName(name)+": given more than once")
		case values[0] == "":
			return newFailure(http.StatusBadRequest, fieldName(name)+": is empty; leave it out")
		}
	}
	return nil
}

// readBody reads the whole body of a request that has one, so that everything
// behind it works on bytes that are already here.
func readBody(w http.ResponseWriter, r *http.Request, takes body) *failure {
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, takes.limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return newFailure(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", takes.limit))
	case err != nil:
		return newFailure(http.StatusBadRequest, "body: did not arrive in full")
	case len(content) > 0 && !isOfType(r.Header.Get("Content-Type"), takes.media):
		return newFailure(http.StatusBadRequest, "body: send it with content-type: "+takes.media)
	}
	r.Header.Set("Content-Type", takes.media)
	r.Body = io.NopCloser(bytes.NewReader(content))
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
