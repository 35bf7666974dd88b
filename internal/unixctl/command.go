package unixctl

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Unlimited is a MaxArgs that no request exceeds.
const Unlimited = int(^uint(0) >> 1)

// Handler answers one request. ctx ends when the client hangs up or the server stops; a handler may take its time: only
// its own connection waits for it. A text that is not empty is ended with a newline if it lacks one. An error is sent as its
// text.
type Handler func(ctx context.Context, args []string) (string, error)

// Command is an entry of the table.
type Command struct {
	Name             string
	Usage            string // the arguments, for list-commands
	Hidden           bool   // left out by list-commands
	MinArgs, MaxArgs int
	Run              Handler

	// JSON, if set, answers clients that asked for JSON output (ovs-appctl --format json, from Open vSwitch 3.5). They get
	// the text of Run in a JSON envelope otherwise.
	JSON func(ctx context.Context, args []string) (any, error)

	// On is where Run and JSON are executed; nil is the connection's own goroutine.
	On Executor
}

// Commands is a table of commands. The zero value is empty and ready to use, from any goroutine, also while a server serves it.
type Commands struct {
	mu     sync.Mutex
	byName map[string]*Command // guarded by mu
}

// Register adds commands. Like http.ServeMux.Handle it panics when a name is taken: that is a mistake in the program.
func (c *Commands) Register(commands ...Command) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byName == nil {
		c.byName = make(map[string]*Command)
	}
	for _, cmd := range commands {
		if c.byName[cmd.Name] != nil {
			panic(fmt.Sprintf("unixctl: command %q registered twice", cmd.Name))
		}
		c.byName[cmd.Name] = &cmd
	}
}

func (c *Commands) lookup(name string) *Command {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byName[name]
}

// listed returns the commands that are not hidden, by name.
func (c *Commands) listed() []*Command {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*Command
	for _, name := range slices.Sorted(maps.Keys(c.byName)) {
		if cmd := c.byName[name]; !cmd.Hidden {
			out = append(out, cmd)
		}
	}
	return out
}
