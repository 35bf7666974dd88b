package main

import "github.com/alecthomas/kong"

// optionalValue is an option with or without =VALUE.
type optionalValue struct {
	wanted bool
	value  string
}

// Decode implements kong.MapperValue.
func (o *optionalValue) Decode(ctx *kong.DecodeContext) error {
	o.wanted = true
	if ctx.Scan.Peek().Type == kong.FlagValueToken {
		return ctx.Scan.PopValueInto("VALUE", &o.value)
	}
	return nil
}

// IsBool implements kong.BoolMapperValue: the value may be left out.
func (*optionalValue) IsBool() bool { return true }
