package expr

import "slices"

// fakeEnv is an Env from maps.
type fakeEnv struct {
	sets     map[string]*Set
	groups   map[string][]string
	resident []string
	ports    map[string]uint32
}

func (e *fakeEnv) AddressSet(name string) (*Set, bool)    { s, ok := e.sets[name]; return s, ok }
func (e *fakeEnv) PortGroup(name string) ([]string, bool) { g, ok := e.groups[name]; return g, ok }
func (e *fakeEnv) Resident(port string) bool              { return slices.Contains(e.resident, port) }
func (e *fakeEnv) Port(name string) (uint32, bool)        { k, ok := e.ports[name]; return k, ok }

func mustSet(addresses ...string) *Set {
	s, bad := ParseSet(addresses)
	if len(bad) > 0 {
		panic(bad)
	}
	return s
}

// testEnv has the sets and ports that the tests of OVN use.
func testEnv() *fakeEnv {
	return &fakeEnv{
		sets: map[string]*Set{
			"set1":   mustSet("10.0.0.1", "10.0.0.2", "10.0.0.3"),
			"set2":   mustSet("::1", "::2", "::3"),
			"set3":   mustSet("00:00:00:00:00:01", "00:00:00:00:00:02", "00:00:00:00:00:03"),
			"set4":   mustSet(),
			"mixed":  mustSet("10.0.0.1", "::5"),
			"masked": mustSet("10.0.0.0/255.0.0.255", "1.2.3.4"),
		},
		groups: map[string][]string{
			"pg1":      {"lsp1", "lsp2", "lsp3"},
			"pg_empty": nil,
		},
		resident: []string{"eth1"},
		ports: map[string]uint32{"eth0": 5, "eth1": 6, "LOCAL": 0xfffe,
			"lsp1": 0x11, "lsp2": 0x12, "lsp3": 0x13},
	}
}
