package zones

import "fmt"

// assign gives name a zone of its own if it has none, or has one that it may not have.
func (z *Zones) assign(name string) {
	have, ok := z.byName[name]
	switch {
	case ok && z.fixed[name]: // nobody asks for its zone any more: it keeps it if it can
		z.unfix(name)
		if z.inRange(have) && z.requested[have] == 0 && z.auto[have] == "" {
			z.auto[have] = name
			return
		}
	case ok && z.inRange(have):
		return
	case ok:
		z.release(name)
	}
	n := z.pick()
	if n == 0 {
		z.w.Log.Warn(fmt.Sprintf("no conntrack zone is left for %s: all of %d-%d are in use", name, z.min, z.max))
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

func (z *Zones) inRange(n uint16) bool { return z.min <= n && n <= z.max }

// pick is a zone that nobody has, 0 for none.
func (z *Zones) pick() uint16 {
	for range int(z.max-z.min) + 1 {
		if z.next++; !z.inRange(z.next) {
			z.next = z.min
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
