package main

import (
	"slices"
	"testing"
)

// An alias of a module that does not exist would be refused as unknown, an alias that is a module would be dead. So would a silent module.
func TestLogAliases(t *testing.T) {
	for alias, module := range logAliases {
		if !slices.Contains(logModules, module) {
			t.Errorf("%s: %s is no module", alias, module)
		}
		if slices.Contains(logModules, alias) {
			t.Errorf("%s is a module itself", alias)
		}
	}
	for _, name := range silentModules {
		if logAliases[name] != "" || slices.Contains(logModules, name) {
			t.Errorf("%s is not silent", name)
		}
	}
}
