// Command golden asks Go's own engines what they make of paths, patterns and encodings. It writes the expected
// outputs of the golden corpus, and answers single cases for differential runs.
//
//	golden generate DIR   reads DIR/cases/*.json, writes DIR/expected/*.json and DIR/versions.json
//	golden answer         reads one case a line on stdin, writes one outcome a line
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: golden generate DIR | answer"))
	}
	switch os.Args[1] {
	case "generate":
		fail(generate(os.Args[2]))
	case "answer":
		fail(answer())
	default:
		fail(fmt.Errorf("unknown mode %q", os.Args[1]))
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "cases", "*.json"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := generateFamily(file, filepath.Join(dir, "expected", filepath.Base(file))); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	text, err := json.MarshalIndent(versions(), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "versions.json"), append(text, '\n'), 0o644)
}

func generateFamily(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var cases []Case
	if err := json.Unmarshal(text, &cases); err != nil {
		return err
	}
	var out bytes.Buffer
	out.WriteString("[\n")
	for i, each := range cases {
		line, err := json.Marshal(each.outcome())
		if err != nil {
			return err
		}
		out.Write(line)
		if i < len(cases)-1 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
	}
	out.WriteString("]\n")
	return os.WriteFile(to, out.Bytes(), 0o644)
}

func answer() error {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) == 0 {
			return nil
		}
		var each Case
		if err := json.Unmarshal(line, &each); err != nil {
			return err
		}
		reply, err2 := json.Marshal(each.outcome())
		if err2 != nil {
			return err2
		}
		out.Write(append(reply, '\n'))
		if err := out.Flush(); err != nil {
			return err
		}
		if err != nil {
			return nil
		}
	}
}

func versions() map[string]string {
	found := map[string]string{"go": runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			found[module.Path] = module.Version
		}
	}
	return found
}
