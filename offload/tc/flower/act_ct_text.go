package flower

func (c CT) text(w *writer, a *Action, s *ActionStatus) {
	w.printf("ct")
	switch {
	case c.Commit && c.Force:
		w.printf(" commit force")
	case c.Commit:
		w.printf(" commit")
	case c.Clear:
		w.printf(" clear")
	}
	if c.Mark.IsSet() {
		w.printf(" mark %s", maskedText(c.Mark.Value, c.Mark.Mask, 0xffffffff))
	}
	if !c.Clear {
		w.printf(" zone %d", c.Zone)
	}
	if c.Label.IsSet() {
		w.printf(" label %s", labelText(c.Label))
	}
	c.NAT.text(w)
	w.printf(" %s\n", a.Control)
	w.references("\t ", a, s)
}

func (n NAT) text(w *writer) {
	switch n.Kind {
	case NATNone:
		return
	case NATKnown:
		w.printf(" nat")
	case NATSrc:
		w.printf(" nat src")
	case NATDst:
		w.printf(" nat dst")
	}
	if n.MinAddr.IsValid() {
		w.printf(" addr %s", addrText(n.MinAddr))
		if n.MaxAddr != n.MinAddr {
			w.printf("-%s", addrText(n.MaxAddr))
		}
	}
	if n.MinPort != 0 {
		w.printf(" port %d", n.MinPort)
		if n.MaxPort != n.MinPort {
			w.printf("-%d", n.MaxPort)
		}
	}
}
