// Package getopt parses command lines as getopt_long(3) of the GNU C library does, for the programs that must take over the
// command line of a C program: options and other words in any order, long options abbreviated or followed by their value,
// short options bundled, the same error texts.
//
// The package flag of Go reads "-vconsole:off" and "--pidfile" differently, so it cannot stand in.
package getopt

// Arg says whether an option has a value.
type Arg int

const (
	None     Arg = iota // no value
	Required            // --name=VALUE, --name VALUE, -nVALUE, -n VALUE
	Optional            // --name, --name=VALUE, -n, -nVALUE
)

// Option is one entry of a program's option table.
type Option struct {
	Long  string // without the dashes; "" for a short option only
	Short byte   // 0 for a long option only
	Arg   Arg

	// Set is called for each occurrence, in the order of the command line. value is nil when the option was given
	// without one. An error ends the parsing and is returned as it is.
	Set func(value *string) error
}

// Error is a command line that does not fit the table, in the words of the GNU C library.
type Error string

func (e Error) Error() string { return string(e) }

// Parse calls Set for the options in args (without the program's name) and returns the words that are no options, in order.
// "--" ends the options. Options may follow other words, unless posix is true (the C library's POSIXLY_CORRECT), where the
// first word that is no option ends them.
func Parse(table []Option, args []string, posix bool) ([]string, error) {
	p := parser{table: table, rest: args}
	var words []string
	for len(p.rest) > 0 {
		arg := p.shift()
		switch {
		case arg == "--":
			return append(words, p.rest...), nil
		case len(arg) < 2 || arg[0] != '-':
			if words = append(words, arg); posix {
				return append(words, p.rest...), nil
			}
		case arg[1] == '-':
			if err := p.long(arg[2:]); err != nil {
				return nil, err
			}
		default:
			if err := p.bundle(arg[1:]); err != nil {
				return nil, err
			}
		}
	}
	return words, nil
}
