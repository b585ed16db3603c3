package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// readJSON reads one JSON value and refuses what encoding/json lets pass: a
// second value, broken UTF-8 (it would be replaced quietly), a field that is null,
// and one that is given twice (the reader of the log and the reader of the body
// might pick different ones). Errors never show values.
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
	case errors.As(err, &wrong) && wrong.Field == "":
		return errors.New("holds a value of the wrong type")
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: wrong type", fieldName(wrong.Field))
	}
	return errors.New("is not valid JSON")
}

// checkFields refuses an object, at any depth, that names a field twice, and at the
// top a field that is null: to somebody that might be something else than left out.
func checkFields(data []byte) error {
	if !json.Valid(data) {
		return plainJSONError(json.Unmarshal(data, new(any)))
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // any size will do
	_, err := checkValue(dec, true)
	return err
}

// checkValue reads the next value of dec, token by token, and reports whether it
// is null. Encoding/json bounds how deep values may be nested.
func checkValue(dec *json.Decoder, top bool) (null bool, err error) {
	token, err := dec.Token()
	switch token {
	case nil:
		return err == nil, err
	case json.Delim('{'):
		return false, checkObject(dec, top)
	case json.Delim('['):
		for dec.More() {
			if _, err := checkValue(dec, false); err != nil {
				return false, err
			}
		}
		_, err = dec.Token()
	}
	return false, err
}

// checkObject reads an object of which the first token is read.
func checkObject(dec *json.Decoder, top bool) error {
	for seen := map[string]bool{}; dec.More(); {
		token, err := dec.Token()
		if err != nil {
			return plainJSONError(err)
		}
		field, _ := token.(string)
		if seen[field] {
			return fmt.Errorf("%s is given twice", fieldName(field))
		}
		seen[field] = true
		switch null, err := checkValue(dec, false); {
		case err != nil:
			return err
		case null && top:
			return fmt.Errorf("%s must not be null; leave it out", fieldName(field))
		}
	}
	_, err := dec.Token()
	return err
}
