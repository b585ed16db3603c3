package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// readJSON reads one JSON value and refuses what encoding/json lets pass: a
// second value, broken UTF-8 (it would be replaced quietly), and a field that is
// given twice (the reader of the log and the reader of the body might pick
// different ones). Errors never show values.
func readJSON(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errors.New("is not valid UTF-8")
	}
	if err := checkFields(data); err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return plainJSONError(err)
	}
	return nil
}

// plainJSONError says where instead of what.
func plainJSONError(err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("is not valid JSON (at byte %d)", syntax.Offset)
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: wrong type", fieldName(wrong.Field))
	}
	return errors.New("is not valid JSON")
}

// checkFields refuses an object of the top level that names a field twice. Our
// bodies are flat; deeper values are of the wrong type anyway.
func checkFields(data []byte) error {
	if !json.Valid(data) {
		return plainJSONError(json.Unmarshal(data, new(any)))
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return nil
	}
	seen := map[string]bool{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return plainJSONError(err)
		}
		field, _ := name.(string)
		if seen[field] {
			return fmt.Errorf("%s is given twice", fieldName(field))
		}
		seen[field] = true
		if err := skipValue(dec); err != nil {
			return plainJSONError(err)
		}
	}
	return nil
}

func skipValue(dec *json.Decoder) error {
	var value json.RawMessage
	if err := dec.Decode(&value); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
