package ofp

import (
	"fmt"
	"strings"
)

// arrow splits "a->b".
func arrow(s string) (from, to string, err error) {
	from, to, ok := strings.Cut(s, "->")
	if !ok {
		return "", "", fmt.Errorf("there is no ->")
	}
	return from, to, nil
}

func parseSetField(i pair, e *Encoder, _ int) error {
	text, name, err := arrow(i.value)
	if err != nil {
		return err
	}
	f, ok := FieldByName(name)
	if !ok {
		return fmt.Errorf("%q is no field", name)
	}
	v, mask, err := parseFieldValue(f, text)
	if f.isTunMetadata() {
		whole := mask == f.full()
		f = tunMetadataFor(f, v.Or(maskUnless(whole, mask)))
		if whole {
			mask = f.full()
		}
	}
	if err == nil {
		SetField{f, v, mask}.Append(e)
	}
	return err
}

func parseLoad(i pair, e *Encoder, _ int) error {
	from, to, err := arrow(i.value)
	if err != nil {
		return err
	}
	v, err := parseNumber(from)
	if err != nil {
		return err
	}
	s, err := parseSub(to)
	if err != nil {
		return err
	}
	if v.Len() > int(s.N) {
		return fmt.Errorf("%s does not fit into %d bits", from, s.N)
	}
	Load(s, v).Append(e)
	return nil
}

func parseMove(i pair, e *Encoder, _ int) error {
	from, to, err := arrow(i.value)
	if err != nil {
		return err
	}
	src, err := parseSub(from)
	if err != nil {
		return err
	}
	dst, err := parseSub(to)
	Move{src, dst}.Append(e)
	return err
}

func parseStack(i pair, e *Encoder, _ int) error {
	s, err := parseSub(i.value)
	if i.key == "push" {
		Push{s}.Append(e)
	} else {
		Pop{s}.Append(e)
	}
	return err
}

func parseDeleteField(i pair, e *Encoder, _ int) error {
	f, ok := FieldByName(i.value)
	if !ok {
		return fmt.Errorf("%q is no field", i.value)
	}
	DeleteField{f}.Append(e)
	return nil
}

func parseCheckPktLarger(i pair, e *Encoder, _ int) error {
	n, err := parseUint(i.value, 16)
	if err != nil {
		return err
	}
	s, err := parseSub(i.tail)
	CheckPktLarger{uint16(n), s}.Append(e)
	return err
}
