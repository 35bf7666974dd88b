package sb_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if remote := os.Getenv(loadRemote); remote != "" {
		load(remote)
		return
	}
	goleak.VerifyTestMain(m)
}
