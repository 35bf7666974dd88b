package lab

import "strings"

// TC runs tc(8) with args where a chassis is, and returns its output.
type TC func(args ...string) (string, error)

// Hooked are the devices of the chassis that have the clsact qdisc, at which filters of traffic control are.
func (tc TC) Hooked() ([]string, error) {
	out, err := tc("qdisc", "show")
	if err != nil {
		return nil, err
	}
	var devices []string
	for line := range strings.Lines(out) { // "qdisc clsact ffff: dev vm1 parent ffff:fff1"
		if w := strings.Fields(line); len(w) >= 5 && w[1] == "clsact" {
			devices = append(devices, w[4])
		}
	}
	return devices, nil
}

// Filters is how many filters the ingress of a device has, in all chains.
func (tc TC) Filters(device string) (int, error) {
	out, err := tc("filter", "show", "dev", device, "ingress")
	n := 0
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "filter ") && strings.Contains(line, " handle ") {
			n++
		}
	}
	return n, err
}
