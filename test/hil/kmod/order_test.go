package kmod

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// modules writes a module directory; what it lists is cut out of Debian's, with the case that prompted soft dependencies: libcrc32c does
// not name crc32c's implementation, and cannot be inserted without one.
func modules(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"modules.dep": `kernel/lib/libcrc32c.ko:
kernel/crypto/crc32c_generic.ko:
kernel/net/netfilter/nf_conntrack.ko: kernel/net/ipv4/netfilter/nf_defrag_ipv4.ko kernel/lib/libcrc32c.ko
kernel/net/ipv4/netfilter/nf_defrag_ipv4.ko:
kernel/net/sched/act_ct.ko: kernel/net/netfilter/nf_flow_table.ko kernel/net/netfilter/nf_conntrack.ko
kernel/net/netfilter/nf_flow_table.ko: kernel/net/netfilter/nf_conntrack.ko
kernel/net/sched/act_mpls.ko:
kernel/net/mpls/mpls_gso.ko:
kernel/a/broken.ko: kernel/a/gone.ko
`,
		"modules.softdep": `# Soft dependencies extracted from modules themselves.
softdep libcrc32c pre: crypto-crc32c no-such-thing
softdep act_mpls post: mpls_gso
`,
		"modules.alias":   "alias crypto-crc32c crc32c_generic\nalias crypto-crc32c other\n",
		"modules.builtin": "kernel/drivers/virtio/virtio-pci.ko\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOrder(t *testing.T) {
	tests := []struct{ wanted, want string }{
		{"", ""},
		{"virtio_pci virtio-pci", ""}, // built in
		{"act_ct", "nf_defrag_ipv4 crc32c_generic libcrc32c nf_conntrack nf_flow_table act_ct"},
		{"nf-flow-table act_ct", "nf_defrag_ipv4 crc32c_generic libcrc32c nf_conntrack nf_flow_table act_ct"},
		{"act_mpls", "act_mpls"}, // what is to follow is not needed to work
	}
	dir := modules(t)
	for _, tt := range tests {
		got, err := Order(dir, strings.Fields(tt.wanted))
		if err != nil {
			t.Errorf("%q: %v", tt.wanted, err)
			continue
		}
		var names []string
		for _, file := range got {
			if !strings.HasPrefix(file, dir+"/kernel/") || !strings.HasSuffix(file, ".ko") {
				t.Errorf("%q: %s is not a module's file in the directory", tt.wanted, file)
			}
			names = append(names, canonical(file))
		}
		if !slices.Equal(names, strings.Fields(tt.want)) {
			t.Errorf("%q: got %q, want %q", tt.wanted, names, tt.want)
		}
	}
}

func TestOrderRefuses(t *testing.T) {
	dir := modules(t)
	for wanted, want := range map[string]string{
		"openvswitch": "there is no module openvswitch, and it is not built in",
		"broken":      "broken: there is no module gone",
	} {
		if _, err := Order(dir, []string{wanted}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v", wanted, err)
		}
	}
	if _, err := Order(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "modules.dep") {
		t.Errorf("no directory: got error %v", err)
	}
}
