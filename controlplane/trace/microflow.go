package trace

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// microflow finds the datapath, by name or else by the inport, and makes the packet
// that the expression describes.
func (n *Network) microflow(datapathName, text string) (*datapath, *ir.Packet, error) {
	e, err := n.symbols.Parse(text)
	if err != nil {
		return nil, nil, fmt.Errorf("microflow: %w", err)
	}
	d, err := n.startOf(datapathName, e)
	if err != nil {
		return nil, nil, err
	}
	// Whatever resides elsewhere resides here; unknown ports too.
	p, err := expr.Microflow(e, anyResident{env{n, d}})
	if unknown, ok := errors.AsType[*expr.UnknownSetError](err); ok {
		return nil, nil, fmt.Errorf("microflow: %s does not exist", unknown.Set())
	}
	if err != nil {
		return nil, nil, err
	}
	if p.Get(ir.Inport).IsZero() {
		return nil, nil, errors.New(`microflow: no ingress port: add inport == "NAME"`)
	}
	return d, p, nil
}

type anyResident struct{ env }

func (anyResident) Resident(string) bool { return true }

func (n *Network) startOf(name string, e expr.Expr) (*datapath, error) {
	var inports []string
	collectInports(e, &inports)
	if name != "" {
		d, ambiguous := n.findDatapath(name)
		switch {
		case ambiguous:
			return nil, fmt.Errorf("datapath %q: more than one UUID begins so; give more of it", name)
		case d == nil:
			return nil, fmt.Errorf("unknown datapath %q: want the name of a logical switch or router, or a UUID of one", name)
		}
		return d, n.checkInports(d, inports)
	}
	switch len(inports) {
	case 0:
		return nil, errors.New("microflow: it does not match on inport, so that its datapath is not known: add inport or name the datapath")
	case 1:
	default:
		return nil, fmt.Errorf("microflow: it matches on several inports %q", inports)
	}
	p := n.findPort(inports[0])
	if p == nil {
		return nil, fmt.Errorf("unknown port %q", inports[0])
	}
	return p.dp, nil
}

// checkInports tells of a name that no port of d has. Nothing would match it, which
// is harder to understand.
func (n *Network) checkInports(d *datapath, names []string) error {
	for _, name := range names {
		if _, ok := (env{n, d}).Port(name); ok {
			continue
		}
		if p := n.findPort(name); p != nil {
			return fmt.Errorf("port %q is not on datapath %q but on %q", name, d.shown(true), p.dp.shown(true))
		}
		return fmt.Errorf("unknown port %q", name)
	}
	return nil
}

func collectInports(e expr.Expr, names *[]string) {
	switch e := e.(type) {
	case *expr.And:
		for _, x := range e.X {
			collectInports(x, names)
		}
	case *expr.Or:
		for _, x := range e.X {
			collectInports(x, names)
		}
	case *expr.Cmp:
		if e.Field.Symbol.Name != "inport" || e.Rel != expr.EQ {
			return
		}
		for _, v := range e.Values {
			if v.Kind == expr.Text && !slices.Contains(*names, v.Text) {
				*names = append(*names, v.Text)
			}
		}
	}
}
