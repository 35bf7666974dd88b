package action

import "testing"

func TestLoadBalancer(t *testing.T) {
	checkLower(t, switchEnv, []lowerCase{
		{in: `ct_lb;`,
			ops: `ct zone=ct_zone[0..15] next=ingress.11 nat();`, prereq: `ip`},
		{in: `ct_lb_mark();`,
			ops:    `ct zone=ct_zone[0..15] next=ingress.11 nat();`,
			format: `ct_lb_mark;`, prereq: `ip`},
		{in: `ct_lb(192.168.1.2:80, 192.168.1.3:80);`,
			ops:    `select bucket(weight=100 {ct zone=ct_zone[0..15] commit next=ingress.11 nat(dst=192.168.1.2 port=80) exec {ct_label[1] = 1;};}) bucket(weight=100 {ct zone=ct_zone[0..15] commit next=ingress.11 nat(dst=192.168.1.3 port=80) exec {ct_label[1] = 1;};});`,
			format: `ct_lb(backends=192.168.1.2:80,192.168.1.3:80);`, prereq: `ip`},
		{in: `ct_lb(backends=192.168.1.2:80; skip_snat);`,
			ops: `ct zone=ct_zone[0..15] commit next=ingress.11 nat(dst=192.168.1.2 port=80) exec {ct_label[1] = 1; ct_label[2] = 1;};`, prereq: `ip`},
		{in: `ct_lb_mark(backends=192.168.1.2:80,192.168.1.3:80; force_snat);`,
			ops: `select bucket(weight=100 {ct zone=ct_zone[0..15] commit next=ingress.11 nat(dst=192.168.1.2 port=80) exec {ct_mark[1] = 1; ct_mark[3] = 1;};}) bucket(weight=100 {ct zone=ct_zone[0..15] commit next=ingress.11 nat(dst=192.168.1.3 port=80) exec {ct_mark[1] = 1; ct_mark[3] = 1;};});`, prereq: `ip`},
		{in: `ct_lb_mark(backends=192.168.1.2, 192.168.1.3, );`,
			ops:    `select bucket(weight=100 {ct zone=ct_zone[0..15] commit next=ingress.11 nat(dst=192.168.1.2) exec {ct_mark[1] = 1;};}) bucket(weight=100 {ct zone=ct_zone[0..15] commit next=ingress.11 nat(dst=192.168.1.3) exec {ct_mark[1] = 1;};});`,
			format: `ct_lb_mark(backends=192.168.1.2,192.168.1.3);`, prereq: `ip`},
		{in: `ct_lb_mark(backends=[fd0f::2]:80,fd0f::3; hash_fields="ip_src,ip_dst,tp_src"; skip_snat);`,
			ops: `select hash=ip6.src,ip6.dst,tcp.src bucket(weight=100 {ct zone=ct_zone[0..15] commit next=ingress.11 nat(dst=fd0f::2 port=80) exec {ct_mark[1] = 1; ct_mark[2] = 1;};}) bucket(weight=100 {ct zone=ct_zone[0..15] commit next=ingress.11 nat(dst=fd0f::3) exec {ct_mark[1] = 1; ct_mark[2] = 1;};});`, prereq: `ip`},
		{in: `ct_lb_mark(backends=10.0.0.1,10.0.0.2; hash_fields="eth_src,ip_proto");`,
			ops: `select hash=eth.src,ip.proto bucket(weight=100 {ct zone=ct_zone[0..15] commit next=ingress.11 nat(dst=10.0.0.1) exec {ct_mark[1] = 1;};}) bucket(weight=100 {ct zone=ct_zone[0..15] commit next=ingress.11 nat(dst=10.0.0.2) exec {ct_mark[1] = 1;};});`, prereq: `ip`},
		{in: `ct_lb_mark_local(backends="lsp1":10.0.0.1:80,"lsp2":10.0.0.2:80);`,
			ops: `ct zone=ct_zone[0..15] commit next=ingress.11 nat(dst=10.0.0.1 port=80) exec {ct_mark[1] = 1;};`, prereq: `ip`},
		{in: `ct_lb_mark_local(backends="lsp2":10.0.0.2:80);`,
			ops: `drop;`, prereq: `ip`},
	})
}
