package getopt

import (
	"fmt"
	"strings"
)

type parser struct {
	table []Option
	rest  []string // words not yet looked at
}

func (p *parser) shift() string {
	word := p.rest[0]
	p.rest = p.rest[1:]
	return word
}

// long handles --text: a name or the unique beginning of one, perhaps with =VALUE.
func (p *parser) long(text string) error {
	name, attached, hasValue := strings.Cut(text, "=")
	o, err := p.find(name, text)
	if err != nil {
		return err
	}
	switch {
	case hasValue && o.Arg == None:
		return errorf("option '--%s' doesn't allow an argument", o.Long)
	case hasValue:
		return o.Set(&attached)
	case o.Arg != Required:
		return o.Set(nil)
	case len(p.rest) == 0:
		return errorf("option '--%s' requires an argument", o.Long)
	}
	value := p.shift()
	return o.Set(&value)
}

func (p *parser) find(name, text string) (*Option, error) {
	var candidates []*Option
	for i := range p.table {
		o := &p.table[i]
		if o.Long == name && name != "" {
			return o, nil
		}
		if o.Long != "" && strings.HasPrefix(o.Long, name) {
			candidates = append(candidates, o)
		}
	}
	switch len(candidates) {
	case 0:
		return nil, errorf("unrecognized option '--%s'", text)
	case 1:
		return candidates[0], nil
	}
	var list strings.Builder
	for _, c := range candidates {
		fmt.Fprintf(&list, " '--%s'", c.Long)
	}
	return nil, errorf("option '--%s' is ambiguous; possibilities:%s", text, list.String())
}

// bundle handles -abcVALUE: letters until one takes the rest as its value.
func (p *parser) bundle(letters string) error {
	for i := 0; i < len(letters); i++ {
		o := p.letter(letters[i])
		if o == nil {
			return errorf("invalid option -- '%c'", letters[i])
		}
		if o.Arg == None {
			if err := o.Set(nil); err != nil {
				return err
			}
			continue
		}
		attached := letters[i+1:]
		switch {
		case attached != "":
			return o.Set(&attached)
		case o.Arg == Optional:
			return o.Set(nil)
		case len(p.rest) == 0:
			return errorf("option requires an argument -- '%c'", letters[i])
		}
		value := p.shift()
		return o.Set(&value)
	}
	return nil
}

func (p *parser) letter(c byte) *Option {
	for i := range p.table {
		if p.table[i].Short == c && c != 0 {
			return &p.table[i]
		}
	}
	return nil
}

func errorf(format string, args ...any) error { return Error(fmt.Sprintf(format, args...)) }
