import type { Case } from '../../../template/corpus.ts';
import { each, kinds } from './case.ts';

/** if, with and range over every kind, and within one another. */
export function control(): Case[] {
  const shapes = [
    '{{ if .x }}yes{{ else }}no{{ end }}',
    '{{ with .x }}{{ printf "%T" . }}{{ else }}{{ len . }}{{ end }}',
    '{{ with $y := .x }}{{ printf "%T" $y }}{{ else }}none{{ end }}',
    '{{ range .x }}<{{ printf "%T %v" . . }}>{{ else }}none{{ end }}',
    '{{ range $e := .x }}<{{ $e | printf "%T %v" $e }}>{{ else }}none{{ end }}',
    '{{ range $i, $e := .x }}<{{ printf "%T %v" $i $i }}: {{ printf "%v" $e }}>{{ else }}none{{ end }}',
    '{{ range $i, $ := .x }}{{ $i }}{{ end }}{{ printf "%T" $ }}',
  ];
  const cases = Object.entries(kinds)
    // Ranging up to these would never end.
    .filter(([kind]) => !['max', 'int64', 'uint64', 'uint32', 'uint16', 'int32'].includes(kind))
    .flatMap(([kind, value]) =>
      shapes.map((template) => ({ name: `${kind}: ${template}`, typed: true, data: { x: value }, template })),
    );
  return [...cases, ...nesting()];
}

function nesting(): Case[] {
  return each([
    '{{ if .user }}{{ if .empty }}a{{ else }}b{{ end }}{{ end }}',
    '{{ if .empty }}a{{ else if .user }}b{{ else }}c{{ end }}',
    '{{ if .empty }}a{{ else if .empty }}b{{ else if .empty }}c{{ else }}d{{ end }}',
    '{{ if $x := .empty }}a{{ else if $y := .user }}{{ $x }}{{ $y }}{{ else }}{{ $y }}{{ end }}',
    '{{ if $x := .user }}{{ $x }}{{ $x = "b" }}{{ $x }}{{ end }}',
    '{{ with .empty }}a{{ else with .user }}{{ . }}{{ else }}c{{ end }}',
    '{{ with .empty }}a{{ else with .empty }}b{{ else }}{{ .user }}{{ end }}',
    '{{ with $x := .user }}{{ $x }}{{ . }}{{ $.password }}{{ end }}',
    '{{ with 0 }}a{{ else }}{{ .user }}{{ end }}',
    '{{ range $k, $v := . }}{{ $k }}={{ printf "%q" $v }};{{ end }}',
    '{{ range $v := . }}{{ len $v }};{{ end }}',
    '{{ range . }}{{ len . }};{{ end }}',
    '{{ range 5 }}{{ . }}{{ end }}',
    '{{ range 0 }}a{{ else }}none{{ end }}',
    '{{ range -1 }}a{{ else }}none{{ end }}',
    '{{ range $i := 3 }}{{ $i }}{{ end }}',
    '{{ range $i, $e := 3 }}{{ $i }}{{ end }}',
    '{{ range 3.0 }}{{ . }}{{ end }}',
    '{{ range "abc" }}{{ . }}{{ end }}',
    '{{ range nil }}a{{ end }}',
    '{{ range true }}a{{ end }}',
    '{{ range 10 }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}.',
    '{{ range 5 }}{{ if eq . 3 }}{{ continue }}{{ end }}{{ . }}{{ end }}.',
    '{{ range 3 }}{{ range 3 }}{{ if eq . 1 }}{{ break }}{{ end }}{{ . }}{{ end }};{{ end }}',
    '{{ range 3 }}{{ range 3 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ . }}{{ end }};{{ end }}',
    '{{ range $i := 3 }}{{ range $j := 3 }}{{ if eq $i $j }}{{ continue }}{{ end }}{{ $i }}{{ $j }} {{ end }}{{ end }}',
    '{{ range 3 }}{{ range 0 }}{{ else }}{{ break }}{{ end }}{{ . }}{{ end }}',
    '{{ range 3 }}{{ range 0 }}{{ else }}{{ continue }}{{ end }}{{ . }}{{ end }}',
    '{{ range 3 }}{{ with . }}{{ if eq . 2 }}{{ break }}{{ end }}{{ . }}{{ end }},{{ end }}',
    '{{ range 3 }}{{ $x := . }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ $x }}{{ end }}',
    '{{ range 3 }}a{{ break }}b{{ end }}c',
    '{{ range 3 }}a{{ continue }}b{{ end }}c',
    '{{ range . }}{{ .x }}{{ end }}',
    '{{ range $i, $e := . }}\n{{ index $e 100 }}{{ end }}',
    '{{ if index . "nope" }}a{{ else }}b{{ end }}',
    '{{ if eq .user "admin" }}root{{ end }}',
    '{{ if and .user .empty }}a{{ else }}b{{ end }}',
    '{{ if nil }}a{{ end }}',
    '{{ if (nil) }}a{{ end }}',
    '{{ with nil }}a{{ end }}',
    '{{ if .user | len | eq 5 }}five{{ end }}',
    'a\n{{ if .nope }}\nb{{ end }}',
    '{{ if true }}\n{{ with .user }}\n  {{ .nope }}{{ end }}{{ end }}',
    '{{ range 2 }}{{ range 2 }}{{ range 2 }}{{ . }}{{ end }}{{ end }}{{ end }}',
    '{{ if 0x0 }}a{{ end }}{{ if -0.0 }}b{{ end }}{{ if "" }}c{{ end }}{{ if " " }}d{{ end }}',
    '{{ range $i, $i := . }}{{ $i }};{{ end }}',
  ]);
}

/** Declarations, assignments, and which of them can be seen where. */
export function variables(): Case[] {
  return each([
    '{{ $x := 1 }}{{ $x }}',
    '{{ $x := 1 }}{{ $x = 2 }}{{ $x }}',
    '{{ $x := 1 }}{{ $x := 2 }}{{ $x }}',
    '{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}',
    '{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}',
    '{{ $x := 1 }}{{ range 3 }}{{ $x = . }}{{ end }}{{ $x }}',
    '{{ $x := 1 }}{{ range $x := 3 }}{{ $x }}{{ end }}{{ $x }}',
    '{{ $x := 1 }}{{ range $x = 3 }}{{ $x }}{{ end }}{{ $x }}',
    '{{ $x := "" }}{{ $y := "" }}{{ range $x, $y = . }}{{ $x }}{{ end }}{{ $x }}={{ len $y }}',
    '{{ $x := "" }}{{ range $x, $y := . }}{{ $x }}{{ end }}|{{ $x }}|',
    '{{ $x = 1 }}',
    'a\n {{ $x = .user }}',
    '{{ if $x = 1 }}{{ end }}',
    '{{ range $x = . }}{{ end }}',
    '{{ range $x, $y = . }}{{ end }}',
    '{{ if true }}{{ $b := 1 }}{{ else }}{{ $b }}{{ end }}ok',
    '{{ if false }}{{ $b := 1 }}{{ else }}{{ $b }}{{ end }}ok',
    '{{ $x := .user | len }}{{ $x }}',
    '{{ $x := (print 1 2) }}{{ $x }}',
    '{{ ($x := 5) }}{{ $x }}',
    '{{ print ($x := 5) $x }}',
    '{{ and false ($x := 1) }}{{ $x }}',
    '{{ $x := 1 }}{{ and false ($x := 2) }}{{ $x }}',
    '{{ $x := 1 }}{{ and true ($x := 2) }}{{ $x }}',
    '{{ $x := $ }}{{ $x.user }}',
    '{{ $ = 1 }}{{ $ }}',
    '{{ $ := 1 }}{{ $ }}',
    '{{ with 1 }}{{ $ = 2 }}{{ end }}{{ $ }}',
    '{{ $x := . }}{{ with 1 }}{{ $x.user }}{{ end }}',
    '{{ $user := "x" }}{{ $user }}{{ .user }}{{ $.user }}',
    '{{ $x:=1 }}{{$x}}',
    '{{ $x  :=  1 }}{{ $x }}',
    '{{ $x :=\n1 }}{{ $x }}',
    '{{ $xy := 1 }}{{ $x := 2 }}{{ $xy }}{{ $x }}',
    '{{ $_ := 1 }}{{ $_ }}',
    '{{ $1 := 2 }}{{ $1 }}',
    '{{ $x := nil }}',
    '{{ $x := index . "nope" }}[{{ $x }}]',
    '{{ $x := print }}[{{ $x }}]',
    '{{ $x := 1 }}{{ $x 2 }}',
    '{{ $x := 1 }}{{ 2 | $x }}',
    '{{ $x := 1 }}{{ $x.y }}',
    '{{ $x := 1.5 }}{{ $y := $x }}{{ $x = 2 }}{{ $y }}{{ $x }}',
    '{{ $x := "a" }}{{ range 3 }}{{ $x = print $x . }}{{ end }}{{ $x }}',
    '{{ range $i, $e := . }}{{ $i = "z" }}{{ $e = 1 }}{{ $i }}{{ $e }}{{ end }}',
    '{{ range 2 }}{{ $y := . }}{{ $y }}{{ end }}',
    '{{ $x := 1 }}{{ define "t" }}{{ $x := 2 }}{{ $x }}{{ end }}{{ template "t" }}{{ $x }}',
    '{{ with $x := 1 }}{{ with $y := 2 }}{{ $x }}{{ $y }}{{ end }}{{ end }}',
    '{{ $a := 1 }}{{ $b := 2 }}{{ $c := 3 }}{{ $b = 5 }}{{ $a }}{{ $b }}{{ $c }}',
    '{{ if $a := 1 }}{{ $b := 2 }}{{ $a }}{{ $b }}{{ end }}{{ $b := 7 }}{{ $b }}',
  ]);
}
