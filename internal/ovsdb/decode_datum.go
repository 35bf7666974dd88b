package ovsdb

// tagged reads the head of ["tag", if it is next. It leaves the position
// unchanged otherwise.
func (d *Decoder) tagged(tag string) bool {
	if d.peek() != '[' {
		return false
	}
	start := d.pos
	d.pos++
	if d.peek() == '"' && string(d.rawString()) == tag && d.err == nil {
		return d.literal(',')
	}
	if d.err == nil {
		d.pos = start
	}
	return false
}

// Elements reads a <value> (RFC 7047, section 5.1) that holds any number of
// atoms: a bare atom or ["set", [atoms]]. It calls item, which must read
// exactly one atom, for each.
func (d *Decoder) Elements(item func()) {
	if !d.tagged("set") {
		if d.err == nil {
			item()
		}
		return
	}
	for d.BeginArray(); d.NextItem(); {
		item()
	}
	d.literal(']')
}

// Pairs reads ["map", [[key, value], ...]]. pair must read the key, call
// Between, and read the value.
func (d *Decoder) Pairs(pair func()) {
	if !d.tagged("map") {
		d.expected(`["map", [pairs]]`)
		return
	}
	for d.BeginArray(); d.NextItem(); {
		d.literal('[')
		pair()
		d.literal(']')
	}
	d.literal(']')
}

// Between reads what stands between the key and the value of a pair.
func (d *Decoder) Between() { d.literal(',') }
