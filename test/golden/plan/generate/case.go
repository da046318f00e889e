package main

import (
	"encoding/json"
	"fmt"
)

// Case is one question; which fields count is its Kind's to say.
type Case struct {
	Kind     string   `json:"kind"`
	Text     Bytes    `json:"text"`
	Path     string   `json:"path"`
	Strategy string   `json:"strategy"`
	Source   string   `json:"source"`
	Target   string   `json:"target"`
	Keys     []string `json:"keys"`
}

// Outcome is what the engine in question says, or how it fails.
type Outcome map[string]any

var operations = map[string]func(Case) Outcome{
	"gjson":   lookUp,
	"json":    readAndWrite,
	"extract": extract,
	"base64":  decode,
	"float":   formatFloat,
	"rename":  rename,
	"convert": convert,
}

func (c Case) outcome() (out Outcome) {
	operation, ok := operations[c.Kind]
	if !ok {
		fail(fmt.Errorf("unknown kind %q", c.Kind))
	}
	defer func() {
		if recover() != nil {
			out = Outcome{"panic": true}
		}
	}()
	return operation(c)
}

// Bytes is written in JSON as a string with one character a byte.
type Bytes string

func (b Bytes) MarshalJSON() ([]byte, error) {
	runes := make([]rune, len(b))
	for i := range len(b) {
		runes[i] = rune(b[i])
	}
	return json.Marshal(string(runes))
}

func (b *Bytes) UnmarshalJSON(text []byte) error {
	var chars string
	if err := json.Unmarshal(text, &chars); err != nil {
		return err
	}
	var out []byte
	for _, char := range chars {
		out = append(out, byte(char))
	}
	*b = Bytes(out)
	return nil
}
