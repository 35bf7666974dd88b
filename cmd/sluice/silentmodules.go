package main

import "strings"

// silentModules are modules of ovn-controller, most of them of Open vSwitch's library, about whose matters nothing is logged
// here. Command lines name some of them to quieten the C program (-vtimeval:off).
var silentModules = strings.Fields(`
	acl_ids backtrace command_line conntrack conntrack_tp coverage ct_dpif dns_resolve dpdk dpif dpif_lookup_autovalidator
	dpif_lookup_generic dpif_mfex_extract_study dpif_netdev dpif_netdev_extract dpif_netdev_impl dpif_netdev_lookup dpif_netlink
	dpif_netlink_rtnl entropy evpn_arp evpn_binding evpn_fdb exchange features flow hmap host_if_monitor ipf lockfile memory_trim
	meta_flow native_tnl neighbor neighbor_exchange neighbor_exchange_netlink netdev netdev_linux netdev_offload netdev_offload_tc
	netdev_vport netlink netlink_conntrack netlink_devlink netlink_notifier netlink_socket nexthop_exchange nx_match odp_execute
	odp_execute_impl odp_util ofp_actions ofp_bundle ofp_connection ofp_flow ofp_group ofp_match ofp_meter ofp_monitor ofp_packet
	ofp_port ofp_protocol ofp_queue ofp_table ofp_util ovn_netlink_notifier ovn_parallel_hmap ovn_util ovs_numa ovs_rcu ovs_replay
	ovs_router ovs_thread ovsdb_error ovsport ox_stat pmd_perf poll_loop process resource_dep route_exchange
	route_exchange_netlink route_table sha1 signals socket_util_unix stopwatch stream_replay svec tc timeval userspace_tso util uuid
	vif_plug vif_plug_dummy vif_plug_provider vif_plug_representor
`)
