package ovsdbtest

import (
	"path/filepath"
	"strings"
	"testing"
)

// Cluster is a raft cluster of servers of one database.
type Cluster struct {
	Members []*Server
	t       testing.TB
}

// StartCluster makes a cluster of n servers.
func StartCluster(t testing.TB, schemaPath, database string, n int) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	for i := range n {
		s := newServer(t, database)
		if i == 0 {
			run(t, "ovsdb-tool", "create-cluster", s.file, schemaPath, s.raft())
		} else {
			run(t, "ovsdb-tool", "join-cluster", s.file, database, s.raft(), c.Members[0].raft())
		}
		s.Restart()
		c.Members = append(c.Members, s)
	}
	for _, s := range c.Members {
		await(t, "the server to join the cluster", func() bool {
			status := s.clusterStatus()
			return strings.Contains(status, "Status: cluster member") && !strings.Contains(status, "Leader: unknown")
		})
	}
	return c
}

// raft returns the address at which the other members reach this one.
func (s *Server) raft() string { return "unix:" + filepath.Join(s.dir, "raft") }

func (s *Server) clusterStatus() string { return s.Appctl("cluster/status", s.Database) }

// Remote returns all members, for ovsdb.SessionConfig.
func (c *Cluster) Remote() string {
	var list []string
	for _, s := range c.Members {
		list = append(list, s.Remote)
	}
	return strings.Join(list, ",")
}

// Leader returns the member that leads now, waiting for an election if there
// is one. Members that do not run are passed over.
func (c *Cluster) Leader() *Server {
	c.t.Helper()
	var leader *Server
	await(c.t, "a leader", func() bool {
		for _, s := range c.Members {
			if s.cmd != nil && strings.Contains(s.clusterStatus(), "Role: leader") {
				leader = s
				return true
			}
		}
		return false
	})
	return leader
}
