package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/test/lab"
)

// OffloadState is what Testbed.Offloaded tells: what the controller says of paths, and how many filters the devices have. answer is its own
// to offload/status, in JSON.
func OffloadState(chassis string, answer []byte, tc lab.TC) (string, error) {
	var status struct {
		Obstacle, Error string
		Total           struct {
			Offloaded int `json:"paths_offloaded"`
			Fallback  int `json:"paths_fallback"`
		}
	}
	if err := json.Unmarshal(answer, &status); err != nil {
		return "", fmt.Errorf("answer of %s to offload/status: %w", chassis, err)
	}
	if status.Obstacle != "" || status.Error != "" {
		return "", fmt.Errorf("%s does not offload: %s%s", chassis, status.Obstacle, status.Error)
	}
	devices, err := tc.Hooked()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d paths offloaded, %d not; filters:", status.Total.Offloaded, status.Total.Fallback)
	for _, device := range slices.Sorted(slices.Values(devices)) {
		filters, err := tc.Filters(device)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, " %s %d", device, filters)
	}
	return b.String(), nil
}
