package offload

import "context"

// Auditor is a Target in which others can change something behind sluice's back.
type Auditor interface {
	// Audit compares all that the target holds with what Apply has left, and repairs
	// what differs. The Report is as Apply's, with all failures that there are then.
	Audit(context.Context) (Drift, Report, error)
	// Suspect tells whether Counters came upon something that Audit should look at.
	Suspect() bool
}

// Drift is how what a target held differed from what Apply had left, in entries of
// its own kind (of tc: filters).
type Drift struct {
	Missing int `json:"missing"` // were gone
	Changed int `json:"changed"` // did or matched something else
	Extra   int `json:"extra"`   // had sluice's mark and belonged to nothing
	// Foreign are others' in places where the target's are. They are left alone.
	Foreign []Foreign `json:"foreign,omitempty"`
}

// Any tells whether anything had to be repaired.
func (d Drift) Any() bool { return d.Missing+d.Changed+d.Extra > 0 }

// Foreign are the entries of others at one network device. In front of the target's
// own they decide first.
type Foreign struct {
	Device  string `json:"device"`
	Entries int    `json:"entries"`
	// Why says why the target has nothing of its own there because of them; "" if it has.
	Why string `json:"why,omitempty"`
}
