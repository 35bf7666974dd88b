package flower

import "github.com/sluice-gw/sluice/internal/nl"

// Raw is an action of a dump that the codec cannot represent: of a kind or with options that it does not know, or of a terse
// dump, which has no options (nil).
type Raw struct {
	Name    string
	Options []byte // attributes
}

// Kind implements Op.
func (r Raw) Kind() string { return r.Name }

func (r Raw) encode(e *nl.Encoder, _ *Action) error {
	if r.Options == nil {
		return invalid("action "+r.Name, "comes from a terse dump, without options; dump in full to write it back")
	}
	copy(e.Raw(len(r.Options)), r.Options)
	return nil
}

func (r Raw) text(w *writer, _ *Action, _ *ActionStatus) {
	w.printf("%s [%d bytes of options that sluice does not understand]\n", r.Name, len(r.Options))
}
