package main

import (
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// functionsOf gives a family's functions, as External Secrets Operator offers them to templates: sprig's but
// for those that look outside the template, and its own.
func functionsOf(set string) template.FuncMap {
	if set != "eso" {
		return nil
	}
	functions := sprig.TxtFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	delete(functions, "getHostByName")
	for name, function := range esoFunctions() {
		functions[name] = function
	}
	return functions
}
