package expr

import (
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Kind is the kind of a token.
type Kind uint8

// The kinds of tokens. The first group carries data.
const (
	End      Kind = iota // end of input
	Invalid              // what is no token; Lexer.Err says why
	ID                   // name; Token.Text
	String               // "text"; Token.Text without quotes and escapes
	Integer              // 12, 0x1f, 10.0.0.1, ::1, 00:00:00:00:00:01; Token.Const
	Masked               // the same with /mask or /prefix length; Token.Const
	Macro                // $name: address set; Token.Text without $
	Group                // @name: port group; Token.Text without @
	Template             // ^name: template variable; Token.Text without ^

	LParen    // (
	RParen    // )
	LCurly    // {
	RCurly    // }
	LSquare   // [
	RSquare   // ]
	EQ        // ==
	NE        // !=
	LT        // <
	LE        // <=
	GT        // >
	GE        // >=
	Not       // !
	LogAnd    // &&
	LogOr     // ||
	Ellipsis  // ..
	Comma     // ,
	Semicolon // ;
	Equals    // =
	Exchange  // <->
	Decrement // --
	Colon     // :
	Hyphen    // -
)

var kindText = [...]string{
	End: "end of input", Invalid: "invalid input", ID: "name", String: "string", Integer: "integer",
	Masked: "masked integer", Macro: "address set", Group: "port group", Template: "template variable",
	LParen: "(", RParen: ")", LCurly: "{", RCurly: "}", LSquare: "[", RSquare: "]",
	EQ: "==", NE: "!=", LT: "<", LE: "<=", GT: ">", GE: ">=", Not: "!", LogAnd: "&&", LogOr: "||",
	Ellipsis: "..", Comma: ",", Semicolon: ";", Equals: "=", Exchange: "<->", Decrement: "--",
	Colon: ":", Hyphen: "-",
}

// String is the text of a punctuation token, else a description of the kind.
func (k Kind) String() string {
	if int(k) < len(kindText) {
		return kindText[k]
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// Token is one token of the language.
type Token struct {
	Kind  Kind
	Text  string   // ID, String, Macro, Group, Template
	Const Constant // Integer, Masked
}

// Format is how a number was written. It does not change what the number means,
// only how it is written back and which width it claims.
type Format uint8

// The formats.
const (
	Decimal Format = iota
	Hex
	IPv4
	IPv6
	Ethernet
)

// Constant is an integer of the language, perhaps with a mask. Value has no bit
// outside Mask when Masked is true.
type Constant struct {
	Value  ir.Value
	Mask   ir.Value // when Masked
	Format Format
	Masked bool
}

// AppendText appends the token as it can be read back.
func (t Token) AppendText(b []byte) []byte {
	switch t.Kind {
	case ID:
		return append(b, t.Text...)
	case String:
		return AppendQuoted(b, t.Text)
	case Integer, Masked:
		return t.Const.AppendText(b)
	case Macro:
		return append(append(b, '$'), t.Text...)
	case Group:
		return append(append(b, '@'), t.Text...)
	case Template:
		return append(append(b, '^'), t.Text...)
	}
	return append(b, t.Kind.String()...)
}
