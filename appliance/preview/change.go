package preview

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Change is what is to be tried out.
type Change interface {
	// String says what it is, for people.
	String() string
	// northbound tells whether it is one of the Northbound database.
	northbound() bool
	// make makes it in w and returns the world with it.
	make(ctx context.Context, c *copies, w *world) (*world, error)
}

// Transaction is operations of an OVSDB transaction (RFC 7047, 5.2).
type Transaction struct {
	of       string // file
	database string
	ops      []json.RawMessage
}

// Southbound reads a transaction of the Southbound database: the array that "ovsdb-client transact" takes, or only the
// operations. of says where text is from.
func Southbound(of string, text []byte) (*Transaction, error) {
	return transaction(of, sbDatabase, text)
}

// Northbound is Southbound for the Northbound database.
func Northbound(of string, text []byte) (*Transaction, error) {
	return transaction(of, nbDatabase, text)
}

func transaction(of, database string, text []byte) (*Transaction, error) {
	t := &Transaction{of: of, database: database}
	if err := json.Unmarshal(text, &t.ops); err != nil {
		if e, ok := errors.AsType[*json.SyntaxError](err); ok {
			err = fmt.Errorf("%w, in line %d", err, 1+bytes.Count(text[:e.Offset], []byte("\n")))
		}
		return nil, fmt.Errorf("%s is no transaction (a JSON array of operations, with or without the name of the database in front): %w", of, err)
	}
	var name string
	if len(t.ops) > 0 && json.Unmarshal(t.ops[0], &name) == nil {
		if name != database {
			return nil, fmt.Errorf("%s is a transaction of the database %s, not of %s", of, name, database)
		}
		t.ops = t.ops[1:]
	}
	if len(t.ops) == 0 {
		return nil, fmt.Errorf("%s has no operations", of)
	}
	return t, nil
}

func (t *Transaction) northbound() bool { return t.database == nbDatabase }

// String has the file and the number of operations.
func (t *Transaction) String() string {
	return fmt.Sprintf("%d operation(s) of %s in %s", len(t.ops), t.database, t.of)
}

func (t *Transaction) make(ctx context.Context, _ *copies, w *world) (*world, error) {
	in := w.sb
	if t.northbound() {
		in = w.nb
	}
	if _, err := in.transact(ctx, t.ops); err != nil {
		if e, ok := errors.AsType[*opError](err); ok {
			return nil, fmt.Errorf("%s: %s refuses %w", t.of, t.database, e)
		}
		return nil, err
	}
	return w, nil
}

// Commands are commands of ovn-nbctl(8).
type Commands struct{ list [][]string }

// ParseCommands reads commands, one a line, in words as a shell has them: quotes (single and double) and backslashes keep
// blanks together. Empty lines, and those that begin with #, mean nothing. of says where the text is from.
func ParseCommands(of, text string) (*Commands, error) {
	c := &Commands{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		w, err := words(line)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", of, n, err)
		}
		if len(w) > 0 && !strings.HasPrefix(w[0], "#") {
			c.list = append(c.list, w)
		}
	}
	if len(c.list) == 0 {
		return nil, fmt.Errorf("%s has no commands", of)
	}
	return c, nil
}

func (*Commands) northbound() bool { return true }

// String is the command, or how many there are.
func (c *Commands) String() string {
	if len(c.list) == 1 {
		return "ovn-nbctl " + strings.Join(c.list[0], " ")
	}
	return fmt.Sprintf("%d commands of ovn-nbctl", len(c.list))
}

func (c *Commands) make(ctx context.Context, _ *copies, w *world) (*world, error) {
	return w, w.nbctl(ctx, c.list...)
}

// words cuts a line as a shell does that expands nothing.
func words(line string) (out []string, err error) {
	var b strings.Builder
	var quote rune
	any, escaped := false, false
	for _, r := range strings.TrimRight(line, "\r\n") {
		switch {
		case escaped:
			if quote == '"' && r != '"' && r != '\\' {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			any, escaped = true, true
		case r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			any, quote = true, r
		case quote == 0 && (r == ' ' || r == '\t'):
			if any {
				out = append(out, b.String())
			}
			b.Reset()
			any = false
		default:
			any = true
			b.WriteRune(r)
		}
	}
	switch {
	case quote != 0:
		return nil, fmt.Errorf("a %c is not closed", quote)
	case escaped:
		return nil, errors.New("a command is one line: there is nothing behind its last backslash")
	case any:
		out = append(out, b.String())
	}
	return out, nil
}

// Saved is a Southbound database, in a file or a server, that stands for the state after the change.
type Saved struct{ From string }

func (Saved) northbound() bool { return false }

// String is where it is.
func (s Saved) String() string { return "the Southbound database " + s.From }

func (s Saved) make(ctx context.Context, c *copies, w *world) (*world, error) {
	file, err := c.take(ctx, s.From, sbDatabase, "sb-after")
	if err != nil {
		return nil, err
	}
	after := &world{vsw: w.spare}
	after.sb, err = c.serve(ctx, file, sbDatabase)
	return after, err
}
