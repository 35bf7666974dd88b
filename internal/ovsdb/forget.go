package ovsdb

// ForgetClusterIndex makes the session accept a cluster's server whatever the
// index of its data: the databases were destroyed and built anew with the same
// cluster id, so that what the session has seen is of a past that is gone. Without
// it every server looks stale. The next server that is fit sets the index again.
// Safe from any goroutine.
func (s *Session) ForgetClusterIndex() { s.forget.Store(true) }
