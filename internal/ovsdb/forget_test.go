package ovsdb

import (
	"testing"
	"testing/synctest"
)

// After ForgetClusterIndex a cluster that was built anew is taken although its
// index is lower than what was seen, and only then.
func TestSessionForgetClusterIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := map[string]*fakeServer{
			"a": {replies: map[string]string{"monitor": row("clustered", true, true, cidA, 100)}},
			"b": {replies: map[string]string{"monitor": row("clustered", true, true, cidA, 2)}},
			"c": {replies: map[string]string{"monitor": row("clustered", true, true, cidA, 1)}},
		}
		s, diary, stop := startSession(t, SessionConfig{Remote: "unix:a"}, servers)
		expectDiary(t, diary, "0s up a schema 1.0.0")
		s.ForgetClusterIndex()
		s.SetRemote("unix:b")
		synctest.Wait()
		expectDiary(t, diary, "0s down a: the remote was changed", "0s up b schema 1.0.0")
		s.SetRemote("unix:c")
		synctest.Wait()
		expectDiary(t, diary, "0s down b: the remote was changed",
			"0s down c: reply to monitor: clustered database server has stale data: its index is 1, the client has seen 2")
		stop()
	})
}
