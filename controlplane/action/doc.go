// Package action is OVN's action language: the "actions" column of the
// Southbound Logical_Flow table (ovn-sb(5)).
//
// Parser.Parse turns text into Actions without any context, so that the result
// can be kept and shared by text. Actions.Lower turns them into operations of
// controlplane/ir for one logical flow of one datapath (Env). Actions.Format
// writes them back in OVN's canonical form. Each family of actions has a file
// with its node type, and that type's parsing, format and lowering side by side.
//
// The grammar is the union of what OVN 22.03 up to the development branch of
// 2026 generate: Southbound databases written by any of these are understood.
// An action that nobody knows is an *UnknownActionError; the caller marks that
// one logical flow as degraded and goes on.
//
// # Conventions with side tables
//
// Some actions ask a side stage of the pipeline (a subroutine, ir.Call) whose
// rules come from other Southbound tables. Arguments travel in registers, which
// are saved before and restored behind the call; the answer is left in a bit of
// ir.Flags or in the register named below. The rules of the side stages follow
// this table:
//
//	action               stage              in                            out
//	get_arp              MACBinding         outport, reg0                 eth.dst (0 before the call)
//	get_nd               MACBinding         outport, xxreg0               eth.dst (0 before the call)
//	lookup_arp_ip        MACBinding         outport, reg0                 FlagLookupMAC; eth.dst is restored
//	lookup_nd_ip         MACBinding         outport, xxreg0               FlagLookupMAC; eth.dst is restored
//	lookup_arp           MACLookup          inport, reg0, eth.src         FlagLookupMAC
//	lookup_nd            MACLookup          inport, xxreg0, eth.src       FlagLookupMAC
//	get_fdb              GetFDB             eth.dst                       outport (0 before the call)
//	get_remote_fdb       GetRemoteFDB       eth.dst                       reg1 (0 before the call)
//	lookup_fdb           LookupFDB          inport, eth.src               FlagLookupFDB
//	chk_evpn_arp         EVPNARPLookup      reg0, or xxreg0 for IPv6      FlagEVPNLookup
//	chk_lb_hairpin       ChkLBHairpin       -                             FlagLookupLBHairpin
//	chk_lb_hairpin_reply ChkLBHairpinReply  -                             FlagLookupLBHairpin
//	ct_snat_to_vip       CTSNATHairpin      -                             -
//	check_in_port_sec    ChkInPortSec       inport                        FlagCheckPortSec (1: drop)
//	check_out_port_sec   ChkOutPortSec      outport                       FlagCheckPortSec (1: drop)
//	chk_ecmp_nh_mac      ECMPNHMAC          -                             FlagLookupCommitECMPNH
//	chk_ecmp_nh          ECMPNH             -                             FlagLookupCommitECMPNH
//	chk_lb_aff           ChkLBAffinity      -                             FlagUseLBAffSession, and Env.Affinity
//	ct_nw_dst            CTOrigNWDst        -                             reg7
//	ct_ip6_dst           CTOrigIP6Dst       -                             xxreg1
//	ct_tp_dst            CTOrigTPDst        -                             reg7[0..15]
//	ct_proto             CTOrigProto        -                             reg7[0..7]
//	ct_state_save        CTStateSave        -                             reg4[0..7]
//	mac_cache_use        MACCacheUse        -                             -
//	flood_remote         FloodRemote        -                             -
//	mirror               RemoteOutput       outport; in_port is 0xffff    -
//
// A bit or register of the "out" column is 0 when the stage is called. All
// stages may also match the datapath. commit_ecmp_nh and commit_lb_aff learn
// rules into ECMPNHMAC, ECMPNH and ChkLBAffinity.
//
// What is punted to the controller, and how its arguments are laid out, is
// described with Punt arguments in punt.go.
package action
