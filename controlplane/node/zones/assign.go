package zones

// assign gives name a zone of its own if it has none.
func (z *Zones) assign(name string) {
	have, ok := z.byName[name]
	if ok && !z.fixed[name] {
		return
	}
	if ok { // nobody asks for its zone any more: it keeps it if it can
		z.unfix(name)
		if have != 0 && z.requested[have] == 0 && z.auto[have] == "" {
			z.auto[have] = name
			return
		}
	}
	n := z.pick()
	if n == 0 {
		z.w.Log.Warn("no conntrack zone is left for " + name + ": all 65535 are in use")
		z.forget(name)
		return
	}
	z.auto[n] = name
	z.set(name, n)
}

// fix gives name the zone that its router asks for, which it may share with others
// that ask for it. Who was given that zone here gets another.
func (z *Zones) fix(name string, n uint16) {
	have, ok := z.byName[name]
	if ok && z.fixed[name] && have == n {
		return
	}
	z.release(name)
	z.fixed[name] = true
	z.requested[n]++
	other := z.auto[n]
	delete(z.auto, n)
	if !ok || have != n {
		z.set(name, n)
	}
	if other != "" {
		delete(z.byName, other)
		z.assign(other)
	}
}

func (z *Zones) set(name string, n uint16) {
	z.byName[name] = n
	z.Changed[name], z.dirty = true, true
	if n != 0 { // the host's own connections are none of ours
		z.flush = append(z.flush, n)
	}
}

// pick is a zone that nobody has, 0 for none.
func (z *Zones) pick() uint16 {
	for range 1<<16 - 1 {
		if z.next++; z.next == 0 {
			z.next = 1
		}
		if z.auto[z.next] == "" && z.requested[z.next] == 0 {
			return z.next
		}
	}
	return 0
}

// free takes the zone of name away, when it is known that nobody needs it.
func (z *Zones) free(name string) {
	if _, ok := z.byName[name]; ok && z.known {
		z.release(name)
		z.forget(name)
	}
}

func (z *Zones) forget(name string) {
	delete(z.byName, name)
	z.Changed[name], z.dirty = true, true
}

// release ends name's hold on its zone.
func (z *Zones) release(name string) {
	if z.fixed[name] {
		z.unfix(name)
		return
	}
	if n, ok := z.byName[name]; ok && z.auto[n] == name {
		delete(z.auto, n)
	}
}

func (z *Zones) unfix(name string) {
	n := z.byName[name]
	delete(z.fixed, name)
	if z.requested[n]--; z.requested[n] <= 0 {
		delete(z.requested, n)
	}
}
