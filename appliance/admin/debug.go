package admin

import (
	"fmt"
	"time"

	"github.com/sluice-gw/sluice/controlplane/controller"
)

// debug are the commands that stop or delay the controller.
func (t *table) debug() {
	t.do("debug/pause", "", (*controller.Controller).Pause)
	t.do("debug/resume", "", (*controller.Controller).Resume)
	t.show("debug/status", func(c *controller.Controller) string {
		if c.Paused() {
			return "paused"
		}
		return "running"
	})
	t.add("debug/delay-nb-cfg-report", "SECONDS", 1, 1, func(c *controller.Controller, args []string) (string, error) {
		sec, err := unsigned(args[0])
		if err != nil {
			return "", err
		}
		c.DelayNbCfg(time.Duration(sec) * time.Second)
		if sec == 0 {
			return "no delay for nb_cfg report.", nil
		}
		return fmt.Sprintf("delay nb_cfg report for %d seconds.", sec), nil
	})
	// The C program waits a while after its start before it replaces the flows that
	// it finds; upstream's tests do not want that. Here nothing waits: flows are
	// adopted.
	t.do("debug/ignore-startup-delay", "", func(*controller.Controller) {})
}
