package vsys_test

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors says which package may import which, in the manner of the Go tree's
// own table: "a, b < c" lets c import a and b, and whatever those may import. A
// name stands for a package and the packages below it that are not named
// themselves. With "*" each package at that place is one of its own, and they
// do not import one another. A package that is not in the table fails the test.
//
// Changing the table needs a reason in the commit.
const floors = `
	# 0  Small tools, one idea each. They know nobody.
	NONE < internal/*

	# 1  The vocabulary: PID, Message, Segment, Code, Process.
	internal/* < ipc

	# 2  The transaction machines of RFC 1045 and their packets. No I/O.
	ipc < vmtp/packet < vmtp

	# 3  How packets travel, how they are sealed, which hosts are there. Floors 2
	#    and 3 do not know each other: the kernel joins them.
	ipc < link < link/nic, link/frame < link/udp, link/mem, link/shm
	link/frame < seal < seal/cert < seal/pair, seal/enroll
	seal < hello

	# 4  Processes and what they may do; and beside it a seeded world of kernels.
	vmtp, link/nic, link/udp, link/mem, link/shm, hello, seal/pair < kernel < sim

	# 5  The protocols: opening is a named request, directories are read as UIO
	#    instances, a program's standard I/O is UIO. They speak ipc.Process.
	ipc < naming < uio < program, lease

	# 6  Servers. They meet by message, never by import.
	program, lease < servers/*

	# 7  The executive's language. It too reaches servers by message.
	program < shell

	# 8  One host: kernel, then servers.  9  Several hosts.  10  The binary.
	kernel, seal/enroll, servers/*, shell < node < lab < cmd/vsys
`

// only lists what may be imported by the named packages alone, each with its
// reason: the kernel, which everybody else knows as ipc.Process, and the outside
// world. "net" and "os" stand for the packages below them too, except net/netip
// and net/url, which are only values.
const only = `
	kernel < sim             worlds of many kernels
	kernel < node            boots it
	kernel < lab             boots several
	kernel < cmd/vsys        timeipc and timekernel measure it

	net < link/udp           the socket is its job
	net < link/nic           so are interfaces
	net < kernel             hands sockets to teams
	net < node               addresses in the configuration
	net < lab                picks free ports
	net < cmd/vsys           addresses in flags

	os < ipc                 os.ErrDeadlineExceeded, an error value
	os < link/udp            sockets are passed as files
	os < link/shm            shared memory is a file
	os < kernel              sockets and memory come as files
	os < program             standard I/O of the calling program
	os < servers/unix        the host's files
	os < servers/team        the host's programs
	os < servers/exec        the host's terminals
	os < servers/device      the host's devices
	os < shell               the terminal and its signals
	os < node                configuration, signals
	os < lab                 hosts as OS processes
	os < cmd/vsys            arguments, standard I/O, exit status
`

// never lists what a package must not import, whatever floors says: "a !< b".
const never = `
	sync, context           !< vmtp          one owner at a time, the caller
	sync, context           !< vmtp/packet   a codec
	vmtp, link, seal, hello !< naming        it speaks ipc.Process
	vmtp, link, seal        !< servers/*     they speak ipc.Process
`

// TestDependencies holds the project to the three lists.
func TestDependencies(t *testing.T) {
	d, err := parseDeps(floors, only, never)
	if err != nil {
		t.Fatal(err)
	}
	report(t, d.check(wholeProject(t)))
}

// deps is the lists, parsed.
type deps struct {
	below map[string]map[string]bool // name → what it may import, closed
	only  map[string][]string        // import → the names that may
	never map[string][]string        // name → imports
}

// parseDeps reads the lists.
func parseDeps(floors, only, never string) (*deps, error) {
	d := &deps{map[string]map[string]bool{}, map[string][]string{}, map[string][]string{}}
	for _, line := range lines(floors) {
		if err := d.addChain(line); err != nil {
			return nil, err
		}
	}
	for _, line := range lines(only) {
		imp, users, _ := strings.Cut(line, " < ")
		f := strings.Fields(users)
		if len(f) < 2 {
			return nil, fmt.Errorf("%q: want import < package, then the reason", line)
		}
		d.only[imp] = append(d.only[imp], f[0])
	}
	for _, line := range lines(never) {
		imps, name, _ := strings.Cut(line, " !< ")
		f := strings.Fields(name)
		if len(f) < 2 {
			return nil, fmt.Errorf("%q: want imports !< package, then the reason", line)
		}
		d.never[f[0]] = append(d.never[f[0]], names(imps)...)
	}
	return d, nil
}

// addChain reads one line of floors. What stands left of a "<" must have come
// before, so the table can't have a cycle and is closed as it grows.
func (d *deps) addChain(line string) error {
	groups := strings.Split(line, "<")
	if len(groups) < 2 {
		return fmt.Errorf("%q: no <", line)
	}
	for _, name := range names(groups[0]) {
		if d.below[name] == nil && name != "NONE" {
			return fmt.Errorf("%q: %s has no line before this", line, name)
		}
	}
	for i, group := range groups[1:] {
		for _, name := range names(group) {
			if d.below[name] == nil {
				d.below[name] = map[string]bool{}
			}
			for _, lower := range names(groups[i]) {
				d.below[name][lower] = true
				maps.Copy(d.below[name], d.below[lower])
			}
		}
	}
	return nil
}

// check returns a complaint for each import that the lists forbid.
func (d *deps) check(tr tree) []string {
	var bad []string
	for _, f := range tr.sorted(func(f *file) bool { return f.isSource() && ofThisModule(tr, f) }) {
		if isSuite(f.dir()) {
			continue
		}
		rule, self := d.find(f.dir())
		if rule == "" {
			bad = append(bad, fmt.Sprintf("%s: package %s is not in the table of floors", f.path, f.dir()))
			continue
		}
		for _, spec := range f.syntax.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue // does not compile, so others complain
			}
			if why := d.forbids(rule, self, imp); why != "" {
				bad = append(bad, fmt.Sprintf("%s: package %s imports %s: %s", f.path, f.dir(), imp, why))
			}
		}
	}
	return bad
}

// forbids says why a package under that rule may not import imp, or "".
func (d *deps) forbids(rule, self, imp string) string {
	local, isLocal := strings.CutPrefix(imp, "vsys/")
	for _, no := range d.never[rule] {
		if under(local, no) {
			return "never, whatever floor"
		}
	}
	for name, users := range d.only {
		if under(local, name) && !isValue(imp) && self != name &&
			!slices.Contains(users, rule) && !slices.Contains(users, self) {
			return "only for " + strings.Join(users, ", ")
		}
	}
	if !isLocal {
		return ""
	}
	impRule, impSelf := d.find(local)
	switch {
	case isSuite(local):
		return "a test suite, for tests only"
	case impRule == "":
		return "not in the table of floors"
	case impSelf == self || d.below[rule][impRule]:
		return ""
	case impRule == rule:
		return "they never import one another"
	}
	return "not a lower floor"
}

// find returns the rule that holds for the package dir, the longest that fits,
// and the name of what it stands for: servers/* and servers/unix for
// servers/unix/disk.
func (d *deps) find(dir string) (rule, self string) {
	for p := dir; p != "."; p = path.Dir(p) {
		if d.below[p] != nil {
			return p, p
		}
		if star := path.Dir(p) + "/*"; d.below[star] != nil {
			return star, p
		}
	}
	return "", ""
}

// under tells whether the package p is name or lies below it.
func under(p, name string) bool { return p == name || strings.HasPrefix(p, name+"/") }

// isValue tells whether imp, under net, has only values in it.
func isValue(imp string) bool { return imp == "net/netip" || imp == "net/url" }

// isSuite tells whether dir is a conformance suite, as naming/namingtest: it is
// part of the tests, may import what they may, and only they import it.
func isSuite(dir string) bool { return path.Base(dir) == path.Base(path.Dir(dir))+"test" }

// ofThisModule tells whether f belongs to the module at the root (bench is one
// of its own).
func ofThisModule(tr tree, f *file) bool {
	for dir := f.dir(); dir != "."; dir = path.Dir(dir) {
		if tr[dir+"/go.mod"] != nil {
			return false
		}
	}
	return true
}

// names splits a list at its commas.
func names(list string) []string {
	var out []string
	for name := range strings.SplitSeq(list, ",") {
		out = append(out, strings.TrimSpace(name))
	}
	return out
}

// lines returns the lines of text that are not empty or comments, trimmed.
func lines(text string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

// TestDependenciesCanFail gives the check one bad import after the other.
func TestDependenciesCanFail(t *testing.T) {
	d, err := parseDeps(floors, only, never)
	if err != nil {
		t.Fatal(err)
	}
	one := func(name, imp string) map[string]string {
		return map[string]string{name: "package p\n\nimport _ " + strconv.Quote(imp) + "\n"}
	}
	trySamples(t, d.check, []sample{
		{"lower floor", one("kernel/send.go", "vsys/vmtp"), ""},
		{"far lower floor", one("servers/unix/u.go", "vsys/ipc"), ""},
		{"tool", one("kernel/send.go", "vsys/internal/gate"), ""},
		{"higher floor", one("ipc/p.go", "vsys/vmtp"), "ipc imports vsys/vmtp: not a lower floor"},
		{"floors 2 and 3", one("link/udp/p.go", "vsys/vmtp/packet"), "not a lower floor"},
		{"naming above uio", one("naming/p.go", "vsys/uio"), "not a lower floor"},
		{"sub-package of its own", one("kernel/p.go", "vsys/kernel/table"), ""},
		{"kernel from a protocol", one("uio/p.go", "vsys/kernel"), "only for sim, node, lab, cmd/vsys"},
		{"kernel from a server", one("servers/unix/p.go", "vsys/kernel"), "only for"},
		{"kernel from node", one("node/p.go", "vsys/kernel"), ""},
		{"server from a server", one("servers/unix/p.go", "vsys/servers/team"), "never import one another"},
		{"server of itself", one("servers/unix/p.go", "vsys/servers/unix/disk"), ""},
		{"net", one("naming/p.go", "net"), "naming imports net: only for"},
		{"net/http", one("uio/p.go", "net/http"), "only for"},
		{"net/netip", one("hello/p.go", "net/netip"), ""},
		{"os", one("vmtp/p.go", "os"), "only for"},
		{"os/exec", one("seal/p.go", "os/exec"), "only for"},
		{"os where it belongs", one("servers/unix/p.go", "os"), ""},
		{"lock in a core", one("vmtp/p.go", "sync"), "never"},
		{"unlisted", one("util/p.go", "fmt"), "package util is not in the table"},
		{"unlisted import", one("node/p.go", "vsys/util"), "not in the table"},
		{"suite in the product", one("node/p.go", "vsys/uio/uiotest"), "for tests only"},
		{"suite itself", one("uio/uiotest/p.go", "vsys/kernel"), ""},
		{"test", one("uio/p_test.go", "vsys/kernel"), ""},
		{"another module", map[string]string{
			"bench/go.mod": "module vsys/bench\n", "bench/p.go": "package p\n\nimport _ \"net\"\n"}, ""},
	})
}

// TestDependencyListsAreRead shows that a slip in the lists is not taken for a
// rule.
func TestDependencyListsAreRead(t *testing.T) {
	for _, c := range []struct{ floors, only, never string }{
		{floors: "ipc vmtp"},
		{floors: "ipc < vmtp"},                    // ipc has no line
		{floors: "NONE < ipc", only: "net < ipc"}, // no reason
		{floors: "NONE < ipc", never: "net < ipc because"},
	} {
		if _, err := parseDeps(c.floors, c.only, c.never); err == nil {
			t.Errorf("parseDeps(%q, %q, %q): no error", c.floors, c.only, c.never)
		}
	}
}
