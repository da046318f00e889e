package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"
)

func lookUp(c Case) Outcome {
	result := gjson.Get(string(c.Text), c.Path)
	if !result.Exists() {
		return Outcome{"found": false}
	}
	return Outcome{"found": true, "value": Bytes(result.String())}
}

// readAndWrite reads JSON with its numbers' literals kept and as floats, and writes both.
func readAndWrite(c Case) Outcome {
	decoder := json.NewDecoder(strings.NewReader(string(c.Text)))
	decoder.UseNumber()
	var exact any
	var floats any
	if !json.Valid([]byte(c.Text)) {
		err := json.Unmarshal([]byte(c.Text), &floats)
		var syntax *json.SyntaxError
		errors.As(err, &syntax)
		return Outcome{"error": "syntax", "offset": syntax.Offset}
	}
	if err := decoder.Decode(&exact); err != nil {
		return Outcome{"error": "exact"}
	}
	outcome := Outcome{"html": Bytes(marshal(exact, true)), "plain": Bytes(marshal(exact, false))}
	if err := json.Unmarshal([]byte(c.Text), &floats); err == nil {
		outcome["floats"] = Bytes(marshal(floats, true))
	}
	return outcome
}

func marshal(value any, escapeHTML bool) []byte {
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(escapeHTML)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(written.Bytes(), []byte("\n"))
}

// extract takes an object apart in both ways that providers have: raw texts, and values through float64.
func extract(c Case) Outcome {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(c.Text), &members) != nil {
		return Outcome{"error": true}
	}
	outcome := Outcome{}
	raw := map[string]Bytes{}
	for key, member := range members {
		raw[key] = Bytes(member)
		var text string
		if json.Unmarshal(member, &text) == nil {
			raw[key] = Bytes(text)
		}
	}
	outcome["raw"] = raw
	var values map[string]any
	if json.Unmarshal([]byte(c.Text), &values) == nil {
		byteValues := map[string]Bytes{}
		for key, value := range values {
			byteValues[key] = byteValue(value)
		}
		outcome["byteValues"] = byteValues
	}
	return outcome
}

func byteValue(value any) Bytes {
	switch typed := value.(type) {
	case nil:
		return Bytes("")
	case string:
		return Bytes(typed)
	case bool:
		return Bytes(strconv.FormatBool(typed))
	case float64:
		return Bytes(strconv.FormatFloat(typed, 'f', -1, 64))
	default:
		return Bytes(marshal(typed, true))
	}
}

func decode(c Case) Outcome {
	encoding := base64.StdEncoding
	if c.Strategy == "Base64URL" {
		encoding = base64.URLEncoding
	}
	decoded, err := encoding.DecodeString(string(c.Text))
	var corrupt base64.CorruptInputError
	if errors.As(err, &corrupt) {
		return Outcome{"offset": int64(corrupt)}
	}
	return Outcome{"value": Bytes(decoded)}
}

func formatFloat(c Case) Outcome {
	value, err := strconv.ParseFloat(string(c.Text), 64)
	if err != nil {
		return Outcome{"error": true}
	}
	return Outcome{"plain": strconv.FormatFloat(value, 'f', -1, 64), "json": string(marshal(value, true))}
}

func rename(c Case) Outcome {
	pattern, err := regexp.Compile(c.Source)
	if err != nil {
		return Outcome{"error": true}
	}
	renamed := make([]string, len(c.Keys))
	for i, key := range c.Keys {
		renamed[i] = pattern.ReplaceAllString(key, c.Target)
	}
	return Outcome{"keys": renamed}
}

func convert(c Case) Outcome {
	converted := make([]string, len(c.Keys))
	for i, key := range c.Keys {
		var name strings.Builder
		for _, char := range key {
			switch {
			case unicode.IsLetter(char) || unicode.IsNumber(char) || strings.ContainsRune("-._", char):
				name.WriteRune(char)
			case c.Strategy == "Unicode":
				fmt.Fprintf(&name, "_U%04x_", char)
			default:
				name.WriteByte('_')
			}
		}
		converted[i] = name.String()
	}
	return Outcome{"keys": converted}
}
