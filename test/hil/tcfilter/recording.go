package tcfilter

import (
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// Recording is what a kernel and tc(8) made of a filter. So a codec can be tested against them where neither is to be had.
type Recording struct {
	Filter
	// Shown is the filter in the output of "tc filter show", without the line that announces its chain and priority.
	Shown string
	// Netlink is the RTM_NEWTFILTER message of the kernel's dump, from struct tcmsg on, in the byte order of amd64. Its times are those
	// of the recording.
	Netlink []byte
}

// Recordings are one for each filter, with the names of the network devices that they mention by their indexes.
type Recordings struct {
	// Made says by which kernel and which tc(8).
	Made    string
	Links   map[int]string
	Filters []Recording
}

//go:embed recorded.txtar
var recorded []byte

// Recorded returns the recordings that are kept in this package. "make test-vm" makes new ones, compares them, and leaves them as an
// artefact to be copied here when a change is right.
func Recorded() (Recordings, error) { return parse(recorded) }

// Names of the parts of the archive; those of a filter follow its name.
const (
	linksPart   = "links"
	netlinkPart = "netlink"
	shownPart   = "shown"
)

// format is the text of recordings.
func format(r Recordings) []byte {
	a := &txtar.Archive{Comment: []byte(r.Made + "\n")}
	add := func(name, text string) {
		a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(text)})
	}
	var links strings.Builder
	for index := 1; index <= len(r.Links); index++ {
		fmt.Fprintln(&links, r.Links[index])
	}
	add(linksPart, links.String())
	for _, f := range r.Filters {
		add(f.Name, f.Add())
		add(shownPart, f.Shown)
		var lines strings.Builder
		const width = 64
		for rest := f.Netlink; len(rest) > 0; rest = rest[min(width, len(rest)):] {
			fmt.Fprintf(&lines, "%x\n", rest[:min(width, len(rest))])
		}
		add(netlinkPart, lines.String())
	}
	return txtar.Format(a)
}

// parse is the inverse of format.
func parse(text []byte) (Recordings, error) {
	a := txtar.Parse(text)
	r := Recordings{Made: strings.TrimSpace(string(a.Comment)), Links: map[int]string{}}
	for _, part := range a.Files {
		last := len(r.Filters) - 1
		switch {
		case part.Name == linksPart:
			for i, name := range strings.Fields(string(part.Data)) {
				r.Links[i+1] = name
			}
		case part.Name == shownPart && last >= 0:
			r.Filters[last].Shown = string(part.Data)
		case part.Name == netlinkPart && last >= 0:
			b, err := hex.DecodeString(strings.ReplaceAll(string(part.Data), "\n", ""))
			if err != nil {
				return r, fmt.Errorf("recording of %q: %w", r.Filters[last].Name, err)
			}
			r.Filters[last].Netlink = b
		default:
			f, err := parseAdd(part.Name, string(part.Data))
			if err != nil {
				return r, err
			}
			r.Filters = append(r.Filters, Recording{Filter: f})
		}
	}
	return r, nil
}

// parseAdd is the inverse of Filter.Add.
func parseAdd(name, line string) (Filter, error) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "filter add dev ")
	device, spec, cut := strings.Cut(rest, " ingress ")
	if !ok || !cut {
		return Filter{}, fmt.Errorf("recording of %q: no filter in %q", name, line)
	}
	return Filter{Name: name, Device: device, Spec: spec}, nil
}
