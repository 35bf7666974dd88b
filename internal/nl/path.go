package nl

// attrPath names the attribute that begins at an offset of a message: the types of the nests that lead to it and its own.
// body is the size of the headers before the first attribute. It is nil if no attribute begins there; NLMSGERR_ATTR_OFFS may
// point at a header as well.
func attrPath(message []byte, body, offset int) []uint16 {
	var path []uint16
	at, end := body, len(message)
	for at < end {
		a, rest, ok, err := NextAttr(message[at:end])
		if err != nil || !ok {
			return nil
		}
		next := end - len(rest)
		switch {
		case offset == at:
			return append(path, a.Kind())
		case offset < next:
			path = append(path, a.Kind())
			at, end = at+attrHeaderLen, at+attrHeaderLen+len(a.Data)
		default:
			at = next
		}
	}
	return nil
}
