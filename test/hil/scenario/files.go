package scenario

import (
	"embed"
	"path"
	"slices"
)

//go:embed scenarios
var files embed.FS

// All returns the scenarios of this package's directory, sorted by name.
func All() ([]*Scenario, error) {
	const dir = "scenarios"
	entries, err := files.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []*Scenario
	for _, e := range entries {
		file := path.Join(dir, e.Name())
		text, err := files.ReadFile(file)
		if err != nil {
			return nil, err
		}
		s, err := Parse(file, string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// aboutOffload are scenarios that break what the offload stands on.
var aboutOffload = []string{"device-gone", "filters-deleted", "killed-programming", "link-down"}

// NeedsOffload tells whether a scenario shows little without the offload, as there is little to break. The userspace datapath would even fail
// some now and then: whenever a network device of the host changes it reads its routes anew, and drops what it sends into tunnels meanwhile.
func (s *Scenario) NeedsOffload() bool { return slices.Contains(aboutOffload, s.Name) }
