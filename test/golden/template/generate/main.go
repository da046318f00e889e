// Command golden runs templates through Go's own engine. It writes the expected outputs of the golden corpus,
// answers single cases for differential fuzzing, and is the other side of the benchmark.
//
//	golden generate DIR   reads DIR/cases/*.json, writes DIR/expected/*.json and DIR/versions.json
//	golden answer         reads one case a line on stdin, writes one outcome a line
//	golden bench          reads one case on stdin, writes nanoseconds for one rendering
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: golden generate DIR | answer | bench"))
	}
	switch os.Args[1] {
	case "generate":
		fail(generate(os.Args[2]))
	case "answer":
		fail(answer())
	case "bench":
		fail(bench())
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
	var family Family
	if err := json.Unmarshal(text, &family); err != nil {
		return err
	}
	outcomes := make(map[string]Outcome, len(family.Cases))
	for _, c := range family.filled() {
		if _, twice := outcomes[c.Name]; twice {
			return fmt.Errorf("case %q is there twice", c.Name)
		}
		outcomes[c.Name] = c.run(family.Functions)
	}
	return writeLines(to, outcomes)
}

// writeLines writes an object of one line for each member, so that a change shows in a diff.
func writeLines(file string, outcomes map[string]Outcome) error {
	names := slices.Sorted(maps.Keys(outcomes))
	lines := make([]string, len(names))
	for i, name := range names {
		lines[i] = compact(name) + ": " + compact(outcomes[name])
	}
	return os.WriteFile(file, []byte("{\n"+strings.Join(lines, ",\n")+"\n}\n"), 0o644)
}

func compact(value any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	fail(encoder.Encode(value))
	return strings.TrimSpace(b.String())
}

// versions names everything whose behaviour is recorded.
func versions() map[string]string {
	found := map[string]string{"go": runtime.Version()}
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		found[module.Path] = module.Version
	}
	return found
}

func answer() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		var family Family
		if err := json.Unmarshal(lines.Bytes(), &family); err != nil {
			return err
		}
		for _, c := range family.filled() {
			fmt.Fprintln(out, compact(c.run(family.Functions)))
		}
		out.Flush()
	}
	return lines.Err()
}

func bench() error {
	var family Family
	if err := json.NewDecoder(os.Stdin).Decode(&family); err != nil {
		return err
	}
	nanoseconds := map[string]map[string]float64{}
	for _, c := range family.filled() {
		nanoseconds[c.Name] = map[string]float64{
			"parse":  measure(func() { c.parse(family.Functions) }),
			"render": measure(c.renderer(family.Functions)),
		}
	}
	return json.NewEncoder(os.Stdout).Encode(nanoseconds)
}

// measure gives the time of one run, from as many as fit into half a second after a warm-up of as long.
func measure(run func()) float64 {
	for warm := time.Now(); time.Since(warm) < 250*time.Millisecond; {
		run()
	}
	runs := 0
	start := time.Now()
	for time.Since(start) < 500*time.Millisecond {
		run()
		runs++
	}
	return float64(time.Since(start).Nanoseconds()) / float64(runs)
}
