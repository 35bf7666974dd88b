package scenario

import (
	"embed"
	"path"
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
