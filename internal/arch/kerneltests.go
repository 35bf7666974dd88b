package arch

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
)

const guestPackage = module + "/internal/testkit/guest"

var kernelTest = regexp.MustCompile(`(?m)^func (TestKernel\w*)\(`)

// CheckKernelTests returns the tests that nothing runs: "make check" leaves out what is named TestKernel, and "make test-vm" runs it only
// in packages whose tests ask for the guest.
func CheckKernelTests(packages []Package) ([]string, error) {
	var bad []string
	for _, p := range packages {
		var named []string
		asks := false
		for _, name := range p.Tests {
			source, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			for _, m := range kernelTest.FindAllSubmatch(source, -1) {
				named = append(named, string(m[1]))
			}
			asks = asks || bytes.Contains(source, []byte(`"`+guestPackage+`"`))
		}
		if len(named) > 0 && !asks {
			bad = append(bad, fmt.Sprintf("%s: nothing runs %s: call guest.Need in it, or give it another name", p.Path, named))
		}
	}
	return bad, nil
}
