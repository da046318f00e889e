package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// dot makes the data of a case: a map[string]string as External Secrets Operator hands to templates, or with
// Typed a map[string]interface{} of any kinds.
func (c Case) dot() (any, error) {
	if c.Typed {
		values := map[string]any{}
		for key, raw := range c.Data {
			value, err := decode(raw)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			values[key] = value
		}
		return values, nil
	}
	values := map[string]string{}
	for key, raw := range c.Data {
		value, err := decode(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		values[key] = value.(string)
	}
	return values, nil
}

// Point is a struct with an exported and an unexported field and methods.
type Point struct {
	X      int
	Name   string
	hidden bool
}

func (p Point) Sum(add int) int                     { return p.X + add }
func (p Point) Join(sep string, s ...string) string { return p.Name + sep + fmt.Sprint(len(s)) }
func (p Point) Fail() (string, error)               { return "", fmt.Errorf("failed") }

// Label is a named string that speaks for itself.
type Label string

func (l Label) String() string { return "label " + string(l) }

// decode reads a tagged value: plain JSON strings, booleans and null are themselves, everything else is an
// object of one member that names the type: {"int8":"5"}, {"list":[…]}, {"[]string":[…]}.
func decode(raw json.RawMessage) (any, error) {
	var plain any
	if err := json.Unmarshal(raw, &plain); err != nil {
		return nil, err
	}
	switch plain.(type) {
	case string, bool, nil:
		return plain, nil
	}
	var tagged map[string]json.RawMessage
	if err := json.Unmarshal(raw, &tagged); err != nil || len(tagged) != 1 {
		return nil, fmt.Errorf("not a tagged value: %s", raw)
	}
	for tag, content := range tagged {
		return decodeTagged(tag, content)
	}
	return nil, nil
}

func decodeTagged(tag string, content json.RawMessage) (any, error) {
	switch tag {
	case "list":
		return decodeList(content)
	case "dict":
		var members map[string]json.RawMessage
		if err := json.Unmarshal(content, &members); err != nil {
			return nil, err
		}
		values := map[string]any{}
		for key, raw := range members {
			value, err := decode(raw)
			if err != nil {
				return nil, err
			}
			values[key] = value
		}
		return values, nil
	case "[]string":
		var items []string
		err := json.Unmarshal(content, &items)
		return items, err
	case "[]int":
		var items []int
		err := json.Unmarshal(content, &items)
		return items, err
	case "map[string]string":
		var items map[string]string
		err := json.Unmarshal(content, &items)
		return items, err
	case "map[int]string":
		var items map[int]string
		err := json.Unmarshal(content, &items)
		return items, err
	}
	var text string
	if err := json.Unmarshal(content, &text); err != nil {
		return nil, err
	}
	return decodeScalar(tag, text)
}

func decodeList(content json.RawMessage) (any, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(content, &items); err != nil {
		return nil, err
	}
	values := make([]any, len(items))
	for i, raw := range items {
		value, err := decode(raw)
		if err != nil {
			return nil, err
		}
		values[i] = value
	}
	return values, nil
}

func decodeScalar(tag, text string) (any, error) {
	signed, _ := strconv.ParseInt(text, 10, 64)
	unsigned, _ := strconv.ParseUint(text, 10, 64)
	float, _ := strconv.ParseFloat(text, 64)
	switch tag {
	case "base64":
		bytes, err := base64.StdEncoding.DecodeString(text)
		return string(bytes), err
	case "bytes":
		return base64.StdEncoding.DecodeString(text)
	case "int":
		return int(signed), nil
	case "int8":
		return int8(signed), nil
	case "int16":
		return int16(signed), nil
	case "int32":
		return int32(signed), nil
	case "int64":
		return signed, nil
	case "uint":
		return uint(unsigned), nil
	case "uint8":
		return uint8(unsigned), nil
	case "uint16":
		return uint16(unsigned), nil
	case "uint32":
		return uint32(unsigned), nil
	case "uint64":
		return unsigned, nil
	case "float32":
		return float32(float), nil
	case "float64":
		return float, nil
	case "duration":
		return time.Duration(signed), nil
	case "label":
		return Label(text), nil
	case "point":
		return Point{X: int(signed), Name: "p" + text, hidden: true}, nil
	case "*point":
		return &Point{X: int(signed), Name: "p" + text, hidden: true}, nil
	case "nil":
		return nilOf(text)
	}
	return nil, fmt.Errorf("unknown tag %q", tag)
}

func nilOf(typeName string) (any, error) {
	switch typeName {
	case "[]string":
		return []string(nil), nil
	case "[]interface {}":
		return []any(nil), nil
	case "map[string]interface {}":
		return map[string]any(nil), nil
	case "[]uint8":
		return []byte(nil), nil
	case "*point":
		return (*Point)(nil), nil
	}
	return nil, fmt.Errorf("no nil of %q", typeName)
}
