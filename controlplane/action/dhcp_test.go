package action

import "testing"

func TestDHCP(t *testing.T) {
	checkLower(t, switchEnv, []lowerCase{
		{in: `reg1[0] = put_dhcp_opts(offerip = 1.2.3.4, router = 10.0.0.1);`,
			ops: `punt put_dhcp_opts pause result=reg1[0] args=0102030403040a000001;`},
		{in: `reg2[5] = put_dhcp_opts(next_server=10.0.0.9,mtu=1400,bootfile_name_alt="b",bootfile_name="a",offerip=10.0.0.4);`,
			ops:    `punt put_dhcp_opts pause result=reg2[5] args=0a000004430161fe0162fd040a0000091a020578;`,
			format: `reg2[5] = put_dhcp_opts(next_server = 10.0.0.9, mtu = 1400, bootfile_name_alt = "b", bootfile_name = "a", offerip = 10.0.0.4);`},
		{in: `reg0[15] = put_dhcp_opts(offerip = 10.0.0.4, ip_forward_enable = 1, default_ttl = 121, lease_time = 3600, dns_server = {8.8.8.8, 7.7.7.7}, hostname = "vm1");`,
			ops: `punt put_dhcp_opts pause result=reg0[15] args=0a000004130101170179330400000e10060808080808070707070c03766d31;`},
		{in: `reg0[15] = put_dhcp_opts(offerip = 10.0.0.4, classless_static_route = {30.0.0.0/24, 10.0.0.4, 0.0.0.0/0, 10.0.0.1, 1.2.3.4});`,
			ops: `punt put_dhcp_opts pause result=reg0[15] args=0a000004790d181e00000a000004000a000001;`},
		{in: `reg0[15] = put_dhcp_opts(offerip = 10.0.0.4, tftp_server = "tftp.example", domain_search_list = "ovn.org,abc.ovn.org,org");`,
			ops: `punt put_dhcp_opts pause result=reg0[15] args=0a000004420c746674702e6578616d706c657711036f766e036f72670003616263c000c004;`},
		{in: `reg0[15] = put_dhcp_opts(offerip = 10.0.0.4, tftp_server = 10.0.0.10);`,
			ops: `punt put_dhcp_opts pause result=reg0[15] args=0a00000442040a00000a;`},
		{in: `reg1[0] = put_dhcpv6_opts();`,
			ops: `punt put_dhcpv6_opts pause result=reg1[0];`},
		{in: `reg1[0] = put_dhcpv6_opts(ia_addr = ae70::4, server_id = 00:00:00:00:10:02, dns_server={ae70::1,ae70::2});`,
			ops:    `punt put_dhcpv6_opts pause result=reg1[0] args=00050010ae7000000000000000000000000000040002000600000000100200170020ae700000000000000000000000000001ae700000000000000000000000000002;`,
			format: `reg1[0] = put_dhcpv6_opts(ia_addr = ae70::4, server_id = 00:00:00:00:10:02, dns_server = {ae70::1, ae70::2});`},
		{in: `reg1[0] = put_dhcpv6_opts(domain_search = "ovn.org", fqdn = "ovn.org");`,
			ops: `punt put_dhcpv6_opts pause result=reg1[0] args=001800076f766e2e6f726700270009036f766e036f726700;`},
	})
}

func TestRouterAdvert(t *testing.T) {
	checkLower(t, switchEnv, []lowerCase{
		{in: `reg1[0] = put_nd_ra_opts(addr_mode = "slaac", mtu = 1500, router_preference = "HIGH", prefix = aef0::/64, slla = ae:01:02:03:04:05);`,
			ops: `punt put_nd_ra_opts pause result=reg1[0] args=86000000ff08ffff000000000000000005010000000005dc030440c0ffffffffffffffff00000000aef000000000000000000000000000000101ae0102030405;`, prereq: `ip6`},
		{in: `reg1[0] = put_nd_ra_opts(prefix = aef0::/64, addr_mode = "dhcpv6_stateful", router_preference = "LOW", slla = ae:01:02:03:04:10);`,
			ops: `punt put_nd_ra_opts pause result=reg1[0] args=86000000ff98ffff000000000000000003044080ffffffffffffffff00000000aef000000000000000000000000000000101ae0102030410;`, prereq: `ip6`},
		{in: `reg1[0] = put_nd_ra_opts(addr_mode = "dhcpv6_stateless", slla = ae:01:02:03:04:06, prefix = aef0::/64, rdnss = aef0::53, dnssl = "ovn.org, a.b", route_info = "HIGH-aef1::11/48,LOW-aef2::11/96");`,
			ops: `punt put_nd_ra_opts pause result=reg1[0] args=86000000ff40ffff00000000000000000101ae0102030406030440c0ffffffffffffffff00000000aef0000000000000000000000000000019030000ffffffffaef000000000000000000000000000531f030000ffffffff036f766e036f7267000161016200000018023008ffffffffaef100000000000018036018ffffffffaef20000000000000000000000000000;`, prereq: `ip6`},
	})
}
