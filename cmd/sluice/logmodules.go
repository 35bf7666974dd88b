package main

// logModules are the sources of log messages that exist from the start, so that -v may name them.
var logModules = []string{
	"acl_log", "binding", "daemon_unix", "jsonrpc", "main", "memory", "metrics", "offload", "ofctrl", "pinctrl", "rconn", "reconnect", "stream_ssl", "unixctl",
}

// logAliases are modules of OVN's controller, which people and test suites set levels of, and where the messages about the
// same things come from here.
var logAliases = map[string]string{
	// the databases
	"ovsdb_cs": "reconnect", "ovsdb_idl": "reconnect", "stream": "reconnect", "stream_fd": "reconnect", "stream_tcp": "reconnect",
	"stream_unix": "reconnect", "socket_util": "reconnect",
	// the engine and its nodes
	"chassis": "main", "ct_zone": "main", "encaps": "main", "expr": "main", "actions": "main", "ha_chassis": "main",
	"if_status": "main", "inc_proc_eng": "main", "lb": "main", "controller_lb": "main", "ldata": "main", "lflow": "main",
	"lflow_cache": "main", "local_data": "main", "lport": "main", "mac_binding_index": "main", "ovn_bfd": "main",
	"ovn_controller": "main", "patch": "main", "physical": "main", "port_mirror": "main",
	// the switch
	"bundle": "ofctrl", "ofp_errors": "ofctrl", "ofp_msgs": "ofctrl", "ofctrl_seqno": "ofctrl", "vconn": "ofctrl",
	"vconn_stream": "ofctrl", "meter": "ofctrl", "extend_table": "ofctrl",
	// packets that come to the controller
	"acl": "acl_log", "ip_mcast": "pinctrl", "mac_cache": "pinctrl", "mac_learn": "pinctrl", "dns": "pinctrl",
	"garp_rarp": "pinctrl", "ovndns": "pinctrl", "statctrl": "pinctrl",
	// the process
	"daemon": "daemon_unix", "fatal_signal": "daemon_unix",
}
