// Package doctor finds out why two machines of a V domain don't see each other,
// and says what mends it.
//
// [Gather] looks at this machine and its network and returns [Facts]; [Examine]
// judges them, without looking at anything, and returns a [Finding] for each
// thing that was checked, in the order in which one would ask:
//
//	host        does a host run here, and for whom does it listen
//	keys        can the key files be read
//	domain      is it sealed, who keeps its key, how long is the certificate good
//	interfaces  which carry the domain, which are left out, and why
//	multicast   does a hello come back by each of them, and who else is heard
//	unicast     what happens to packets for the other hosts
//	firewall    would this machine's rules let a hello in
//	mtu         do interfaces and paths carry 1,280 octets
//	clock       is it synchronized, and like those of others
//	conflicts   do two hosts have one number, name, key or prefix, or distrust each other
//	version     do all hosts run the same version
//	fuse        can names be mounted
//	buffers     is there room for what comes at once
//	namespaces  may users isolate programs
//
// [Exit] makes an exit status of them. All works without a host that runs here;
// with one, what it knows of its domain and of the others counts, too ([Ask]).
//
// # Strangers
//
// Nobody answers a stranger in V, so that a host can't be found by asking, nor be
// used to flood somebody else. So the unicast probe tells by what comes back from
// the network, not from a host: a refusal by the other machine means that it is
// reached and that nothing runs there; silence, that a host or a firewall keeps
// quiet. Where another port of the machine refuses and V's is silent, something
// has V's.
//
// # Limits
//
// A rule of a firewall with a condition that is not understood is taken as one
// that may or may not hold, and the finding says so. Only rules for what comes in
// are read; what may go out shows in the probes. Firewalls between the machines
// are seen by their effects only.
//
// Sources: docs/operating-network.md; nft(8), libnftables-json(5),
// iptables-save(8), ip(7), adjtimex(2).
package doctor
