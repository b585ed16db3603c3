package admin

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
)

// success is the envelope of an answer.
type success[T any] struct {
	Success bool `json:"success" enum:"true"`
	Data    T    `json:"data"`
}

// failure is the envelope of a refusal. It is an error, so that huma answers
// with it, and shows its message to the caller as it is.
type failure struct {
	Success bool    `json:"success" enum:"false"`
	Err     problem `json:"error"`

	status     int
	retryAfter int // seconds, with 429
}

type problem struct {
	Code    string `json:"code" doc:"For programs. One of a closed set."`
	Message string `json:"message" doc:"For people. Says what to do next."`
	ID      string `json:"id,omitempty" doc:"Of the key that a repeated call made the first time"`
}

// codes are all statuses of the API that refuse, each with its code.
var codes = map[int]string{
	http.StatusBadRequest:            "BAD_REQUEST",
	http.StatusUnauthorized:          "UNAUTHORIZED",
	http.StatusForbidden:             "FORBIDDEN",
	http.StatusNotFound:              "NOT_FOUND",
	http.StatusMethodNotAllowed:      "METHOD_NOT_ALLOWED",
	http.StatusConflict:              "CONFLICT",
	http.StatusPreconditionFailed:    "PRECONDITION_FAILED",
	http.StatusRequestEntityTooLarge: "PAYLOAD_TOO_LARGE",
	http.StatusTooManyRequests:       "TOO_MANY_REQUESTS",
	http.StatusInternalServerError:   "INTERNAL",
	http.StatusServiceUnavailable:    "UNAVAILABLE",
	http.StatusInsufficientStorage:   "INSUFFICIENT_STORAGE",
}

// codeList are the codes, in the order of their statuses.
func codeList() (list []any) {
	for _, status := range slices.Sorted(maps.Keys(codes)) {
		list = append(list, codes[status])
	}
	return list
}

// newFailure folds a status outside the set into it: another refusal of the
// request is a bad request, and all else is internal.
func newFailure(status int, message string) *failure {
	status = fold(status)
	return &failure{Err: problem{Code: codes[status], Message: message}, status: status}
}

func fold(status int) int {
	switch _, known := codes[status]; {
	case known:
		return status
	case status >= 400 && status < 500:
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

func (f *failure) Error() string { return f.Err.Message }

// GetStatus makes a failure what huma answers with.
func (f *failure) GetStatus() int { return f.status }

// write answers with the failure, in the same bytes as huma does.
func (f *failure) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), f.GetHeaders())
	w.WriteHeader(f.status)
	_ = writeJSON(w, f) // the client has gone
}

// writeJSON leaves < > & alone: the messages are for people at a terminal.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
