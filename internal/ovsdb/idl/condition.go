package idl

// Condition is one clause of what rows of a table are replicated: Column Op
// Value as in RFC 7047, section 5.1 <condition>. Op is "==", "!=", "<", "<=",
// ">", ">=", "includes" or "excludes". Value is plain Go as in Tx.
type Condition struct {
	Column string
	Op     string
	Value  any
}
