package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/version"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// commands is the command tree, in the order of --help.
type commands struct {
	Controller controllerCommand `cmd:"" help:"Run the OVN controller of this chassis: takes ovn-controller's options (sluice controller --help)."`
	Status     statusCommand     `cmd:"" help:"Tell how a running controller stands: connections, rules, and what is not in force and why."`
	Offload    offloadCommand    `cmd:"" help:"Tell what a running controller has offloaded to hardware, what not, and why."`
	Ctl        ctlCommand        `cmd:"" help:"Run a command in a running controller, as ovn-appctl does."`
	Trace      traceCommand      `cmd:"" help:"Tell what happens to a packet in the logical network, as ovn-trace does."`
	Vtep       vtepCommand       `cmd:"" help:"Manage hardware VTEP switches: takes ovn-controller-vtep's options (sluice vtep --help), or one of these commands."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
	Completion completionCommand `cmd:"" help:"Print a shell completion script: source <(sluice completion bash)."`

	ShowVersion kong.VersionFlag `name:"version" short:"V" help:"Print the version."`
}

// controllerCommand is here for --help only: dispatch runs it.
type controllerCommand struct{}

type versionCommand struct {
	Output string `enum:"text,json" default:"text" help:"Form of the answer: ${enum}."`
}

// Run prints the version and, as JSON, what it is compatible with.
func (c versionCommand) Run(out io.Writer) error {
	if c.Output == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Version string `json:"version"`
			OVN     string `json:"ovn"`
			Schema  string `json:"southbound_schema"`
		}{version.String(), ovnRelease, southboundSchema})
	}
	_, err := fmt.Fprintf(out, "sluice %s\n", version.String())
	return err
}

type completionCommand struct {
	Shell string `arg:"" enum:"bash" help:"Shell: bash."`
}

// Run prints a script that completes the words of the command tree.
func (completionCommand) Run(out io.Writer, k *kong.Kong) error {
	var b strings.Builder
	fmt.Fprintf(&b, "_%[1]s() {\n\tlocal words\n\tcase \"${COMP_WORDS[1]}\" in\n", k.Model.Name)
	var names []string
	for _, c := range k.Model.Children {
		names = append(names, c.Name)
		fmt.Fprintf(&b, "\t%s) words=%q ;;\n", c.Name, strings.Join(completions(c), " "))
	}
	fmt.Fprintf(&b, "\tesac\n\t((COMP_CWORD == 1)) && words=%q\n", strings.Join(names, " "))
	fmt.Fprintf(&b, "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n}\n")
	fmt.Fprintf(&b, "complete -o default -F _%[1]s %[1]s\n", k.Model.Name)
	_, err := io.WriteString(out, b.String())
	return err
}

// completions returns the words that may follow a command.
func completions(c *kong.Node) []string {
	var words []string
	if c.Name == "controller" {
		line := newControllerLine(dirs.Dirs{}, vlog.New(vlog.Config{Program: controllerProgram}))
		for _, o := range line.table() {
			words = append(words, "--"+o.Long)
		}
		return words
	}
	if c.Name == "serve" {
		line := newServeLine(dirs.Dirs{}, vlog.New(vlog.Config{Program: serveProgram}))
		for _, o := range line.table() {
			words = append(words, "--"+o.Long)
		}
		return words
	}
	if c.Name == "vtep" {
		line := newVTEPLine(dirs.Dirs{}, vlog.New(vlog.Config{Program: vtepProgram}))
		for _, o := range line.table() {
			words = append(words, "--"+o.Long)
		}
	}
	for _, child := range c.Children {
		words = append(words, child.Name)
	}
	for _, child := range c.Children {
		for _, w := range completions(child) {
			if !slices.Contains(words, w) {
				words = append(words, w)
			}
		}
	}
	for _, f := range c.Flags {
		if w := "--" + f.Name; !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	for _, p := range c.Positional {
		if p.Enum != "" {
			words = append(words, p.EnumSlice()...)
		}
	}
	return words
}
