package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/sluice-gw/sluice/appliance/vtep"
	"github.com/sluice-gw/sluice/test/ovsrpc"
)

const (
	sbSchema   = "/usr/share/ovn/ovn-sb.ovsschema"
	vtepSchema = "/usr/share/openvswitch/vtep.ovsschema"
	// patience is how long a step may take.
	patience = 20 * time.Minute
)

// server is a database with its server, and a connection to it.
type server struct {
	socket string
	cmd    *exec.Cmd
	*ovsrpc.Client
}

func (s *server) remote() string { return "unix:" + s.socket }

// serve starts an ovsdb-server on a new database.
func serve(ctx context.Context, dir, name, schema, database string) (*server, error) {
	file, socket := filepath.Join(dir, name+".db"), filepath.Join(dir, name+".sock")
	if out, err := exec.CommandContext(ctx, "ovsdb-tool", "create", file, schema).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("ovsdb-tool: %w: %s", err, out)
	}
	cmd := exec.Command("ovsdb-server", "--remote=punix:"+socket, "--no-chdir", "-vconsole:off", "-vsyslog:off", "-vfile:off",
		"--unixctl="+filepath.Join(dir, name+".ctl"), file)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{socket: socket, cmd: cmd}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(10 * time.Second); ; <-tick.C {
		c, err := ovsrpc.Dial(ctx, socket, database)
		if err == nil {
			s.Client = c
			return s, nil
		}
		if time.Now().After(limit) {
			return s, fmt.Errorf("%s: %w", name, err)
		}
	}
}

func (s *server) end() {
	if s == nil {
		return
	}
	if s.Client != nil {
		s.Close()
	}
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// scene is the databases.
type scene struct {
	ctx      context.Context
	size     size
	dir      string
	sb       *server
	switches []*server
	want     []int       // remote MACs of each switch
	chassis  []string    // UUIDs of the hypervisors
	gen      int         // of the switches' databases
	moved    map[int]int // how often a VM has moved
}

// build makes and fills them.
func build(ctx context.Context, z size) (s *scene, err error) {
	s = &scene{ctx: ctx, size: z, moved: map[int]int{}}
	if s.dir, err = os.MkdirTemp("", "vtepbench"); err != nil {
		return nil, err
	}
	if s.sb, err = serve(ctx, s.dir, "sb", sbSchema, "OVN_Southbound"); err != nil {
		return s, err
	}
	if err := s.network(); err != nil {
		return s, err
	}
	return s, s.makeSwitches()
}

// batch bounds transactions.
const batch = 2000

// network fills the Southbound database as ovn-northd and the hypervisors would: logical switches with VMs on hypervisors, and a port for
// the switch that each is bound on.
func (s *scene) network() error {
	var ops []ovsrpc.Op
	for h := range s.size.Hypervisors {
		encap := fmt.Sprint("encap", h)
		ops = append(ops, ovsrpc.Insert("Encap", encap, map[string]any{"type": "vxlan", "ip": fmt.Sprintf("198.51.%d.%d", h/250, 1+h%250), "chassis_name": hypervisor(h)}),
			ovsrpc.Insert("Chassis", fmt.Sprint("chassis", h), map[string]any{"name": hypervisor(h), "encaps": ovsrpc.Named(encap)}))
	}
	ops = append(ops, ovsrpc.Insert("SB_Global", "global", map[string]any{}))
	results, err := s.sb.Transact(ops...)
	if err != nil {
		return err
	}
	for h := range s.size.Hypervisors {
		s.chassis = append(s.chassis, results[2*h+1].UUID[1])
	}
	s.want = make([]int, s.size.Switches)
	ops = nil
	vm := 0
	for l := range s.size.LogicalSwitches {
		dp := fmt.Sprint("dp", l)
		ops = append(ops, ovsrpc.Insert("Datapath_Binding", dp, map[string]any{"tunnel_key": l + 1}),
			ovsrpc.Insert("Port_Binding", fmt.Sprint("tor", l), map[string]any{"datapath": ovsrpc.Named(dp), "logical_port": fmt.Sprint("tor", l), "tunnel_key": 1, "type": "vtep",
				"mac": "unknown", "options": ovsrpc.Map(map[string]string{"vtep-physical-switch": torName(s.on(l)), "vtep-logical-switch": fmt.Sprint("ls", l)})}))
		for key := 2; vm*s.size.LogicalSwitches < (l+1)*s.size.MACs; key++ {
			ops = append(ops, ovsrpc.Insert("Port_Binding", fmt.Sprint("vm", vm), map[string]any{"datapath": ovsrpc.Named(dp), "logical_port": fmt.Sprint("vm", vm), "tunnel_key": key,
				"mac": fmt.Sprintf("%s 10.%d.%d.%d", mac(vm), vm>>16, vm>>8&255, vm&255), "chassis": ovsrpc.UUID(s.chassis[vm%len(s.chassis)]), "up": true}))
			s.want[s.on(l)]++
			vm++
		}
		if len(ops) >= batch || l == s.size.LogicalSwitches-1 {
			if _, err := s.sb.Transact(ops...); err != nil {
				return err
			}
			ops = nil
		}
	}
	return nil
}

func hypervisor(h int) string { return fmt.Sprint("hv", h) }
func torName(i int) string    { return fmt.Sprint("tor", i) }

// on is the switch that a logical switch is bound on.
func (s *scene) on(l int) int { return l % s.size.Switches }

func mac(vm int) string {
	return fmt.Sprintf("02:00:%02x:%02x:%02x:%02x", vm>>24&255, vm>>16&255, vm>>8&255, vm&255)
}

// makeSwitches makes the databases of the switches, with all VLANs bound; of a switch's logical switches those beyond 4094 are on further ports.
func (s *scene) makeSwitches() error {
	s.gen++
	for i := range s.size.Switches {
		db, err := serve(s.ctx, s.dir, fmt.Sprintf("tor%d-%d", i, s.gen), vtepSchema, "hardware_vtep")
		s.switches = append(s.switches, db)
		if err != nil {
			return err
		}
		var ops []ovsrpc.Op
		var ports, bindings []any
		port := func() {
			if len(bindings) == 0 {
				return
			}
			name := fmt.Sprint("port", len(ports))
			ops = append(ops, ovsrpc.Insert("Physical_Port", name, map[string]any{"name": name, "vlan_bindings": []any{"map", bindings}}))
			ports, bindings = append(ports, ovsrpc.Named(name)), nil
		}
		for l := i; l < s.size.LogicalSwitches; l += s.size.Switches {
			name := fmt.Sprint("ls", l)
			ops = append(ops, ovsrpc.Insert("Logical_Switch", name, map[string]any{"name": name}))
			if bindings = append(bindings, []any{1 + len(bindings), ovsrpc.Named(name)}); len(bindings) == 4094 {
				port()
			}
		}
		port()
		ops = append(ops, ovsrpc.Insert("Physical_Switch", "tor", map[string]any{"name": torName(i), "tunnel_ips": fmt.Sprintf("192.0.2.%d", i+1), "ports": ovsrpc.Set(ports...)}),
			ovsrpc.Insert("Global", "global", map[string]any{"switches": ovsrpc.Named("tor")}))
		if _, err := db.Transact(ops...); err != nil {
			return err
		}
		if err := db.Monitor("Ucast_Macs_Remote", "MAC", "locator"); err != nil {
			return err
		}
	}
	return nil
}

// reset makes everything as it was before a program ran.
func (s *scene) reset() error {
	for _, db := range s.switches {
		db.end()
	}
	s.switches = nil
	ops := []ovsrpc.Op{ovsrpc.Update("Port_Binding", "type", "vtep", map[string]any{"chassis": ovsrpc.Set[any](), "up": ovsrpc.Set[any]()})}
	for i := range s.size.Switches {
		ops = append(ops, ovsrpc.Op{"op": "delete", "table": "Chassis", "where": []any{[]any{"name", "==", torName(i)}}})
	}
	if _, err := s.sb.Transact(ops...); err != nil {
		return err
	}
	return s.makeSwitches()
}

// register writes the registry of sluice.
func (s *scene) register() error {
	r := vtep.Registry{Dir: filepath.Join(s.dir, "ovn", "sluice-vtep")}
	var errs []error
	for i, db := range s.switches {
		errs = append(errs, r.Write(vtep.Entry{Name: torName(i), Target: db.remote()}))
	}
	return errors.Join(errs...)
}

func (s *scene) close() {
	for _, db := range s.switches {
		db.end()
	}
	s.sb.end()
	os.RemoveAll(s.dir)
}
