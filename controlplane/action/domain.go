package action

import (
	"fmt"
	"strings"
)

const (
	maxName  = 255 // bytes of a domain name as text
	maxLabel = 63  // bytes of a label (RFC 1035, 2.3.4)
)

// labels are the labels of a domain name; a dot at its end does no harm.
func labels(name string) ([]string, error) {
	if len(name) > maxName {
		return nil, fmt.Errorf("domain name %q is longer than %d bytes", name, maxName)
	}
	all := strings.FieldsFunc(name, func(r rune) bool { return r == '.' })
	for _, l := range all {
		if len(l) > maxLabel {
			return nil, fmt.Errorf("label %q of domain name %q is longer than %d bytes", l, name, maxLabel)
		}
	}
	return all, nil
}

// appendName appends a domain name as labels with their lengths (RFC 1035, 3.1).
func appendName(b []byte, name string) ([]byte, error) {
	all, err := labels(name)
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		b = append(append(b, byte(len(l))), l...)
	}
	return append(b, 0), nil
}

// encodeDomains encodes a list of domain names, separated by commas, with
// pointers to what was there before (RFC 3397, RFC 1035 4.1.4).
func encodeDomains(list string) ([]byte, error) {
	var b []byte
	seen := make(map[string]int) // suffix to its offset
	for name := range strings.SplitSeq(list, ",") {
		all, err := labels(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			continue
		}
		end := []byte{0}
		for i, l := range all {
			suffix := strings.Join(all[i:], ".")
			if at, ok := seen[suffix]; ok {
				end = []byte{0xc0 | byte(at>>8), byte(at)}
				break
			}
			seen[suffix] = len(b)
			b = append(append(b, byte(len(l))), l...)
		}
		b = append(b, end...)
	}
	return b, nil
}
