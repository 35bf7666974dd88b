package action

import "testing"

func TestSelect(t *testing.T) {
	checkLower(t, switchEnv, []lowerCase{
		{in: `reg9[16..31] = select(1=50, 2=100, 3, );`,
			ops:    `select bucket(weight=50 {reg9[16..31] = 1; call ingress.11;}) bucket(weight=100 {reg9[16..31] = 2; call ingress.11;}) bucket(weight=100 {reg9[16..31] = 3; call ingress.11;});`,
			format: `reg9[16..31] = select(1=50, 2=100, 3=100);`},
		{in: `reg0 = select(values=(1, 2); hash_fields="ip_dst,ip_src");`,
			ops:    `select hash=ip4.dst,ip4.src bucket(weight=100 {reg0 = 1; call ingress.11;}) bucket(weight=100 {reg0 = 2; call ingress.11;});`,
			format: `reg0 = select(values=(1=100, 2=100); hash_fields="ip_dst,ip_src");`},
	})
}

func TestFwdGroup(t *testing.T) {
	checkLower(t, switchEnv, []lowerCase{
		{in: `fwd_group(childports="lsp1", "lsp2");`,
			ops: `select bucket(weight=100 {outport = 17; call output;}) bucket(weight=100 {outport = 18; call output;});`},
		{in: `fwd_group(liveness=true, childports="lsp1", "nowhere", "lsp2");`,
			ops:    `select bucket(weight=100 {outport = 17; call output;}) bucket(weight=100 watch=7 {outport = 18; call output;});`,
			format: `fwd_group(liveness="true", childports="lsp1", "nowhere", "lsp2");`},
		{in: `fwd_group(liveness="false", childports="nowhere");`,
			ops:    `drop;`,
			format: `fwd_group(childports="nowhere");`},
	})
}
