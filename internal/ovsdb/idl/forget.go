package idl

// ForgetClusterIndex is as in ovsdb.Session.
func (r *Replica) ForgetClusterIndex() { r.session.ForgetClusterIndex() }
