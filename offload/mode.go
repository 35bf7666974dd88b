package offload

import (
	"fmt"
	"slices"
	"strings"
)

var modeNames = []string{Off: "off", HardwareOnly: "hardware-only", HardwareToo: "hardware", Software: "software"}

// String is the mode as in the configuration.
func (m Mode) String() string { return modeNames[m] }

// MarshalText implements encoding.TextMarshaler.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Mode) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMode(string(text))
	return err
}

// ParseMode reads a mode of the configuration.
func ParseMode(s string) (Mode, error) {
	if i := slices.Index(modeNames, s); i >= 0 {
		return Mode(i), nil
	}
	return Off, fmt.Errorf("%q is none of %s", s, strings.Join(modeNames, ", "))
}
