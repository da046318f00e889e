package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// Family is a file of cases that share a set of functions.
type Family struct {
	// Functions: "none" (text/template's own), or "eso" (sprig's and ESO's besides).
	Functions string
	// Data and Typed are those of the cases that bring none.
	Data  map[string]json.RawMessage
	Typed bool
	Cases []Case
}

// filled gives the cases with the family's data where they have none of their own.
func (f Family) filled() []Case {
	for i := range f.Cases {
		if f.Cases[i].Data == nil {
			f.Cases[i].Data, f.Cases[i].Typed = f.Data, f.Typed
		}
	}
	return f.Cases
}

// Case is a template and its data. With Kind "yaml" the template is YAML text, to be read as a flat map.
type Case struct {
	Name       string
	Kind       string
	Template   string
	Data       map[string]json.RawMessage
	Typed      bool
	MissingKey string
	Left       string
	Right      string
}

// Outcome is what Go made of a case: an output, or the place of its error.
type Outcome struct {
	Output *string `json:"output,omitempty"`
	Base64 *string `json:"base64,omitempty"`
	Error  *Place  `json:"error,omitempty"`
}

// Place is where Go reports an error. Parse errors have no column.
type Place struct {
	Phase   string `json:"phase"`
	Line    int    `json:"line"`
	Column  *int   `json:"column,omitempty"`
	message string
}

const name = "case"

func (c Case) parse(functions string) (*template.Template, error) {
	missingKey := c.MissingKey
	if missingKey == "" {
		missingKey = "error"
	}
	return template.New(name).
		Option("missingkey="+missingKey).
		Delims(c.Left, c.Right).
		Funcs(functionsOf(functions)).
		Parse(c.Template)
}

func (c Case) run(functions string) (outcome Outcome) {
	if c.Kind == "yaml" {
		return flatten(c.Template)
	}
	parsed, err := c.parse(functions)
	if err != nil {
		return Outcome{Error: placeOf("parse", err)}
	}
	dot, err := c.dot()
	if err != nil {
		panic(fmt.Errorf("case %s: %w", c.Name, err))
	}
	out := &bounded{}
	if err := parsed.Execute(out, dot); err != nil {
		if errors.Is(err, errTooLarge) {
			return Outcome{Error: &Place{Phase: "limit"}}
		}
		return Outcome{Error: placeOf("exec", err)}
	}
	return written(out.Bytes())
}

// bounded is an output that ends a random template which would write without end.
type bounded struct{ bytes.Buffer }

var errTooLarge = errors.New("too large")

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len() > 1<<22 {
		return 0, errTooLarge
	}
	return b.Buffer.Write(p)
}

func (c Case) renderer(functions string) func() {
	parsed := template.Must(c.parse(functions))
	dot, err := c.dot()
	if err != nil {
		panic(err)
	}
	return func() {
		if err := parsed.Execute(io.Discard, dot); err != nil {
			panic(err)
		}
	}
}

func written(out []byte) Outcome {
	if utf8.Valid(out) {
		text := string(out)
		return Outcome{Output: &text}
	}
	text := base64.StdEncoding.EncodeToString(out)
	return Outcome{Base64: &text}
}

var position = regexp.MustCompile(`^template: ` + name + `:(\d+)(?::(\d+))?: `)

func placeOf(phase string, err error) *Place {
	place := &Place{Phase: phase, message: err.Error()}
	match := position.FindStringSubmatch(err.Error())
	if match == nil {
		return place
	}
	place.Line, _ = strconv.Atoi(match[1])
	if phase == "exec" && match[2] != "" {
		column, _ := strconv.Atoi(match[2])
		place.Column = &column
	}
	return place
}

// flatten reads YAML as External Secrets Operator reads a rendered template of scope KeysAndValues.
func flatten(text string) Outcome {
	values := map[string]string{}
	if err := yaml.Unmarshal([]byte(text), &values); err != nil {
		return Outcome{Error: &Place{Phase: "yaml", message: err.Error()}}
	}
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(values); err != nil {
		panic(err)
	}
	return written([]byte(strings.TrimSpace(out.String())))
}
