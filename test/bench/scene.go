package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/load"
	"github.com/sluice-gw/sluice/test/ovsrpc"
)

const (
	otherChassis = 9  // that exist only as rows
	hostedPorts  = 50 // of the measured chassis
	// patience is how long a change may take to be acknowledged: northd alone needs tens of seconds for the largest load.
	patience = 5 * time.Minute
)

// scene is the deployment around the measured chassis.
type scene struct {
	ctx    context.Context
	lab    *lab.Lab
	nb, sb *ovsrpc.Client
	hosted []string
	rows   map[string]int // of tables of the Southbound database
}

// build starts the central node and loads it.
func build(ctx context.Context, z load.Size, status func(string, ...any)) (s *scene, err error) {
	l, err := lab.New(ctx, lab.Options{})
	if l == nil {
		return nil, err
	}
	s = &scene{ctx: ctx, lab: l, hosted: z.Hosted(hostedPorts), rows: map[string]int{}}
	if err != nil {
		return s, err
	}
	if s.nb, err = ovsrpc.Dial(ctx, filepath.Join(l.Central.Dir, "nb.sock"), "OVN_Northbound"); err != nil {
		return s, err
	}
	if s.sb, err = ovsrpc.Dial(ctx, filepath.Join(l.Central.Dir, "sb.sock"), "OVN_Southbound"); err != nil {
		return s, err
	}
	err = errors.Join(
		s.nb.Monitor("NB_Global", "nb_cfg", "sb_cfg"), s.nb.Monitor("Logical_Switch_Port", "name", "up"),
		s.sb.Monitor("Chassis_Private", "name", "nb_cfg"))
	if err != nil {
		return s, err
	}
	if err := load.Full(s.nb, z); err != nil {
		return s, err
	}
	if err := s.northd(); err != nil {
		return s, err
	}
	if err := load.BindElsewhere(s.sb, otherChassis, s.hosted); err != nil {
		return s, err
	}
	if err := s.northd(); err != nil {
		return s, err
	}
	for _, table := range []string{"Logical_Flow", "Port_Binding"} {
		r, err := s.sb.Transact(ovsrpc.Select(table, "_uuid"))
		if err != nil {
			return s, err
		}
		s.rows[table] = len(r[0].Rows)
	}
	status("%s: loaded, %d logical flows, %d port bindings", z, s.rows["Logical_Flow"], s.rows["Port_Binding"])
	return s, nil
}

func (s *scene) close() error {
	for _, c := range []*ovsrpc.Client{s.nb, s.sb} {
		if c != nil {
			c.Close()
		}
	}
	return s.lab.Close()
}

// change runs operations on the Northbound database and gives the configuration a new number, which it returns.
func (s *scene) change(ops ...ovsrpc.Op) (number int, results []ovsrpc.OpResult, err error) {
	ops = append(ops, ovsrpc.Mutate("NB_Global", "", nil, "nb_cfg", "+=", 1), ovsrpc.Select("NB_Global", "nb_cfg"))
	results, err = s.nb.Transact(ops...)
	if err != nil {
		return 0, nil, err
	}
	rows := results[len(ops)-1].Rows
	if len(rows) != 1 {
		return 0, nil, fmt.Errorf("NB_Global has %d rows", len(rows))
	}
	return rows[0].Int("nb_cfg"), results, nil
}

// northd waits until ovn-northd has processed everything so far.
func (s *scene) northd() error {
	number, _, err := s.change()
	if err != nil {
		return err
	}
	return s.nb.Await(s.ctx, patience, "northd", "NB_Global", func(rows map[string]ovsrpc.Row) bool {
		for _, r := range rows {
			return r.Int("sb_cfg") >= number
		}
		return false
	})
}

// acknowledged waits until the measured chassis has acknowledged configuration number.
func (s *scene) acknowledged(number int) error {
	return s.sb.Await(s.ctx, patience, "the chassis to acknowledge", "Chassis_Private", func(rows map[string]ovsrpc.Row) bool {
		for _, r := range rows {
			if r.Text("name") == load.Chassis(0) {
				return r.Int("nb_cfg") >= number
			}
		}
		return false
	})
}

// up waits until the Northbound database says that the port is up.
func (s *scene) up(port string) error {
	return s.nb.Await(s.ctx, patience, "port "+port+" to come up", "Logical_Switch_Port", func(rows map[string]ovsrpc.Row) bool {
		for _, r := range rows {
			if r.Text("name") == port {
				return r.Bool("up")
			}
		}
		return false
	})
}
