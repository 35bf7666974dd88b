// Package expr is the match language of OVN logical flows (ovn-sb(5), column
// "match" of table Logical_Flow): lexer, symbols, parser, canonical text, normal
// form and an evaluator.
//
// It stands between the text of a Southbound row and controlplane/ir. The lexer
// and the symbol table serve controlplane/action too. The package is pure: what
// it needs to know of the world (address sets, port groups, tunnel keys of ports,
// residency) it asks through Env, and it reports every question that it asked, so
// that the caller knows what to compile again when an answer changes.
//
// The way of an expression:
//
//	text --ExpandTemplates--> text --Parse--> Expr --Compile(Env)--> []Conj
//
// Expr keeps address sets and port groups by name; one parsed Expr can be compiled
// for many datapaths. Eval gives the truth of an Expr for one packet without the
// normal form; it is the oracle of Compile.
//
// A Symtab and an Expr are read-only once made: any number of goroutines may use
// them at the same time. A Lexer belongs to one goroutine.
package expr
