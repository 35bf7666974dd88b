package offload

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Fields are what a target can do with each field; those that are missing it can do
// nothing with. In JSON they are named as in the text of matches.
type Fields map[ir.Field]FieldAbility

var formNames = [...]string{Whole: "whole", Prefix: "prefix", Ternary: "ternary"}

// String is the form in one word.
func (f Form) String() string {
	if int(f) < len(formNames) {
		return formNames[f]
	}
	return "form?"
}

// MarshalText is String.
func (f Form) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (f *Form) UnmarshalText(text []byte) error {
	for i, name := range formNames {
		if name == string(text) {
			*f = Form(i)
			return nil
		}
	}
	return fmt.Errorf("form %q: want whole, prefix or ternary", text)
}

// fieldJSON is a FieldAbility in JSON; the mask is left out when it is the whole field.
type fieldJSON struct {
	Form Form   `json:"form"`
	Mask string `json:"mask,omitempty"`
	Lack
}

// MarshalJSON is an object by field names.
func (fs Fields) MarshalJSON() ([]byte, error) {
	out := make(map[string]fieldJSON, len(fs))
	for f, a := range fs {
		x := fieldJSON{Form: a.Form, Lack: a.Lack}
		if a.Mask != ir.Ones(f.Width()) {
			x.Mask = fmt.Sprintf("%#x", a.Mask.Lo)
			if a.Mask.Hi != 0 {
				x.Mask = fmt.Sprintf("%#x%016x", a.Mask.Hi, a.Mask.Lo)
			}
		}
		out[f.String()] = x
	}
	return json.Marshal(out)
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (fs *Fields) UnmarshalJSON(text []byte) error {
	var in map[string]fieldJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*fs = make(Fields, len(in))
	for name, x := range in {
		f, ok := ir.FieldByName(name)
		if !ok || f.Info().View {
			return fmt.Errorf("field %q: there is none of that name", name)
		}
		a := FieldAbility{Mask: ir.Ones(f.Width()), Form: x.Form, Lack: x.Lack}
		if x.Mask != "" {
			var err error
			if a.Mask, err = parseMask(x.Mask); err != nil {
				return fmt.Errorf("field %s: %w", name, err)
			}
			if !a.Mask.And(ir.Ones(f.Width()).Not()).IsZero() {
				return fmt.Errorf("field %s: mask %s is wider than the %d bits that it has", name, x.Mask, f.Width())
			}
		}
		(*fs)[f] = a
	}
	return nil
}

func parseMask(s string) (v ir.Value, err error) {
	bad := fmt.Errorf("mask %q: want 0x and up to 32 hexadecimal digits", s)
	if len(s) < 3 || len(s) > 34 || s[:2] != "0x" {
		return v, bad
	}
	digits := s[2:]
	if n := len(digits); n > 16 {
		if v.Hi, err = strconv.ParseUint(digits[:n-16], 16, 64); err != nil {
			return v, bad
		}
		digits = digits[n-16:]
	}
	if v.Lo, err = strconv.ParseUint(digits, 16, 64); err != nil {
		return v, bad
	}
	return v, nil
}
