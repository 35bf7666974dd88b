package vtep

import "slices"

// has tells whether an entry is for this database, as r is. An entry of a switch that we connect to has only the target, which may be written otherwise, and
// the name of one of its switches, which is that of its chassis, and so of no other database's, unless two share one.
func (s *survey) has(e, r Entry) bool {
	if e.Identity != "" {
		return e.Identity == s.plan.Roll().Identity
	}
	return e.Target == r.Target || e.Pair == "" && r.Pair == "" && slices.Contains(s.plan.Switches(), e.Name)
}
