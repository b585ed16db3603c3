package admin

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/antinium/keygate/keystore"
)

// meanings say when a call is refused with a status.
var meanings = map[int]string{
	http.StatusBadRequest:            "The request is not one that the call takes. The message names the field.",
	http.StatusUnauthorized:          "No key was presented, or one that does not work: unknown, ended and disabled keys are refused alike.",
	http.StatusForbidden:             "The key works, and may not do this.",
	http.StatusNotFound:              "There is no such key or import, or the caller may not see it; over a path that does not exist, no such route.",
	http.StatusMethodNotAllowed:      "The route takes other methods: `Allow` names them.",
	http.StatusConflict:              "The state of the key, of the import or of the server does not allow it. With `id`: a call with this `Idempotency-Key` was made before, and made that key.",
	http.StatusPreconditionFailed:    "The key is another now than the `If-Match` says. Read it again and decide anew.",
	http.StatusRequestEntityTooLarge: "The body is larger than 1 MiB, or than 8 MiB with lines of an import.",
	http.StatusTooManyRequests:       "Too many failed attempts from this address. `Retry-After` says how long to wait.",
	http.StatusInternalServerError:   "Something went wrong on the server, whose log says what. A change may have been made: look before you repeat it.",
	http.StatusServiceUnavailable:    "The server cannot answer this now, or was not given what it takes.",
	http.StatusInsufficientStorage:   "The disk is full. Nothing was changed.",
}

// refusalName names the shared answer of a status.
func refusalName(status int) string {
	return strings.ReplaceAll(http.StatusText(status), " ", "")
}

// refusals are the answers that calls share, one a status, by name.
func refusals() map[string]*huma.Response {
	all := map[string]*huma.Response{}
	for status, code := range codes {
		all[refusalName(status)] = &huma.Response{
			Description: "`" + code + "`: " + meanings[status],
			Headers:     refusalHeaders(status),
			Content:     map[string]*huma.MediaType{jsonBody.media: {Schema: &huma.Schema{Ref: "#/components/schemas/Failure"}}},
		}
	}
	return all
}

// refusalHeaders are the headers that come with a status, always.
func refusalHeaders(status int) map[string]*huma.Header {
	one := func(name, about string, s huma.Schema) map[string]*huma.Header {
		return map[string]*huma.Header{name: {Description: about, Required: true, Schema: &s}}
	}
	switch status {
	case http.StatusUnauthorized:
		return one("WWW-Authenticate", "As RFC 6750 section 3 has it", huma.Schema{Type: huma.TypeString, Enum: []any{wantedKey}})
	case http.StatusTooManyRequests:
		return one("Retry-After", "Seconds", huma.Schema{Type: huma.TypeInteger, Minimum: new(float64(1))})
	case http.StatusMethodNotAllowed:
		return one("Allow", "The methods that the route takes", huma.Schema{Type: huma.TypeString})
	}
	return nil
}

// claims are the headers in which a caller says who asks and why, by the name
// under which operations refer to them.
func claims() map[string]*huma.Param {
	header := func(name, about string, most int) *huma.Param {
		about += fmt.Sprintf(". A change is refused if it has more than %d characters, or others than printable ones", most)
		return &huma.Param{Name: name, In: "header", Description: about, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return map[string]*huma.Param{
		"Claimed":   header(headerClaimed, "Who asks, in the caller's own word, for the audit", keystore.MaxWho),
		"Reason":    header(headerReason, "Why, for the audit", keystore.MaxReason),
		"RequestId": header(headerRequestID, "Number of the request, for the audit and the log", keystore.MaxWho),
	}
}

// claimed refers to the claims, in the order of the document.
var claimed = []*huma.Param{
	{Ref: "#/components/parameters/Claimed"}, {Ref: "#/components/parameters/Reason"}, {Ref: "#/components/parameters/RequestId"},
}
