package arch

import (
	"fmt"
	"slices"
	"strings"
)

// layers assigns packages to layers by the longest prefix that matches. test is outside: it may import everything, and nothing
// may import it.
var layers = map[string]int{
	"cmd":                    6,
	"appliance":              5,
	"fallback/ovs":           4,
	"offload/tc":             4,
	"offload/p4":             4,
	"vtepdb":                 4,
	"offload":                3,
	"controlplane":           3,
	"controlplane/expr":      pure,
	"controlplane/action":    pure,
	"controlplane/lflow":     pure,
	"controlplane/ir":        pure,
	"controlplane/sb":        1,
	"controlplane/vsw":       1,
	"internal/ovsdb":         1,
	"internal":               0,
	"test":                   outside,
	"internal/testkit":       outside,
	"controlplane/ir/irtest": outside,
}

const (
	outside  = -1
	pure     = 2 // no I/O, no clock
	backends = 4
)

// seam is all that a backend may know of the control plane.
var seam = []string{"controlplane/ir", "controlplane/backend"}

// impure are the packages of the standard library that a pure package must not import. net/netip is values only.
var impure = []string{"os", "net", "time", "syscall", "io/ioutil", "log", "log/slog", "math/rand", "math/rand/v2", "runtime"}

// testOnly are the modules that the product must not contain.
var testOnly = []string{
	"github.com/gopacket/gopacket", "github.com/insomniacslk/dhcp", "github.com/google/go-cmp", "pgregory.net/rapid",
	"go.uber.org/goleak", "github.com/rogpeppe/go-internal", "go.yaml.in/yaml",
}

// layerOf returns the layer of a package and the prefix that put it there.
func layerOf(path string) (layer int, root string, ok bool) {
	for prefix := range layers {
		if within(path, prefix) && len(prefix) >= len(root) {
			root, ok = prefix, true
		}
	}
	return layers[root], root, ok
}

func within(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// CheckImports returns what is wrong with the imports of the product's packages; those of tests are free.
func CheckImports(packages []Package) []string {
	var bad []string
	for _, p := range packages {
		layer, root, ok := layerOf(p.Path)
		if !ok {
			bad = append(bad, p.Path+" is in no layer: put it where it belongs, or give it a line in internal/arch/layers.go")
			continue
		}
		if layer == outside || isTestHelper(p.Path) {
			continue
		}
		for _, imported := range p.Imports {
			if why := refuse(p.Path, layer, root, imported); why != "" {
				bad = append(bad, fmt.Sprintf("%s imports %s: %s", p.Path, imported, why))
			}
		}
	}
	return bad
}

// refuse says why a package of the product may not import another, "" if it may.
func refuse(path string, layer int, root, imported string) string {
	local, isLocal := strings.CutPrefix(imported, module+"/")
	if !isLocal {
		if slices.ContainsFunc(testOnly, func(m string) bool { return within(imported, m) }) {
			return "that module is for tests only"
		}
		if layer == pure && (slices.Contains(impure, imported) || strings.HasPrefix(imported, "os/") ||
			strings.HasPrefix(imported, "net/") && imported != "net/netip") {
			return "a pure package does no I/O and has no clock; let its caller pass values in"
		}
		return ""
	}
	to, toRoot, ok := layerOf(local)
	switch {
	case !ok:
		return "" // reported for itself
	case to == outside || isTestHelper(local):
		return "it is for tests only"
	case within(path, "internal") && !within(local, "internal"):
		return "packages in internal know nothing of what the product does; pass it in"
	case to > layer:
		return fmt.Sprintf("upward, from layer %d to %d; define what is needed down here and let the upper one implement it", layer, to)
	case layer == pure && to == 1:
		return "a pure package does not know the databases; its caller passes values in"
	case layer == backends && within(local, "controlplane") && !slices.ContainsFunc(seam, func(s string) bool { return within(local, s) }):
		return "a backend knows only " + strings.Join(seam, " and ") + " of the control plane"
	case layer == backends && to == backends && root != toRoot:
		return "backends do not know each other"
	}
	return ""
}

// isTestHelper tells packages like ovsdbtest, which are there for the tests of others.
func isTestHelper(path string) bool { return strings.HasSuffix(path, "test") }
