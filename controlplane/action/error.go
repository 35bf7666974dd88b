package action

import "fmt"

// SyntaxError tells that the text of an actions column is not in the language.
type SyntaxError struct {
	Column  int    // of the offending token, 1 for the first byte
	Message string // in the words that OVN's own parser uses
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("actions, column %d: %s", e.Column, e.Message)
}

// UnknownActionError tells that the text uses an action that this release does
// not know: the Southbound database was written by a newer ovn-northd. Only the
// logical flow with this text is affected.
type UnknownActionError struct {
	Action string
	Column int // of the action's name, 1 for the first byte
}

func (e *UnknownActionError) Error() string {
	return fmt.Sprintf("actions, column %d: unknown action %q: expecting one of the actions of ovn-sb(5); "+
		"the logical flow was written by a newer ovn-northd than this release supports", e.Column, e.Action)
}

// LowerError tells that an action, correct as text, cannot be carried out where
// its logical flow stands.
type LowerError struct {
	Action string // name
	Cause  string
	Column int // of the action, 1 for the first byte; 0: it was not in a text
}

func (e *LowerError) Error() string {
	if e.Column == 0 {
		return fmt.Sprintf("action %s: %s", e.Action, e.Cause)
	}
	return fmt.Sprintf("actions, column %d: %s: %s", e.Column, e.Action, e.Cause)
}
