package admin

import (
	"os"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// TestOffloadDocs: docs/offload.md explains every code that an answer can have.
func TestOffloadDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/offload.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	for c := plan.Code(flatten.NoReason) + 1; c != 0; c++ {
		name := c.String()
		if name == "code?" {
			continue
		}
		codes++
		if !strings.Contains(string(text), "\n| `"+name+"` | ") {
			t.Errorf("the table of reasons lacks %s", name)
		}
	}
	if codes < int(plan.Refused-plan.Match)+int(flatten.Unsupported) {
		t.Errorf("only %d codes were found", codes)
	}
}
