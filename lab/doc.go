// Package lab boots several hosts of V on one machine, for trying, teaching and
// tests: without root, with nothing installed and nothing left behind.
//
// # The model
//
// A lab is one V domain of hosts called alpha, beta, gamma …, each in an OS
// process of its own, which is this program run again ([HostMain]). The hosts
// have loopback addresses 127.X.Y.1, .2, .3 … of the lab's own and share one port
// number; their sockets for programs are abstract, so that no file of them stays.
// The executive runs in the lab's own process, as a team of alpha, so killing
// any host does not end it.
//
// Each host exports the machine's tree, read-only, and a writable directory of
// its own as /unix/HOST/lab.
//
// The command lab, which the executive has here only, does to single hosts what
// befalls machines: kill takes one off the network with all its programs, as a
// loss of power would, and boot brings it back; pause and resume make it silent
// for a while.
//
// # Nothing left behind
//
// All files are in one temporary directory, which the lab's process has locked.
// Each host holds the reading end of a pipe from the lab. When that ends, be it
// because the lab is done or because it was killed, the host stops, takes its
// programs along (they are known by a mark in their environment), and removes its
// files. What a host that was killed itself leaves is removed by the lab; what
// all of them leave when killed at once, by the next lab that finds the lock free.
//
// # Use
//
//	status := lab.Run(ctx, lab.Config{Text: "hosts", Stdout: os.Stdout, …})
//
// The main function of the program calls [HostMain] when its first argument is
// [HostVerb].
//
// # Limits
//
// [MaxHosts] hosts. A program that leaves its session and takes the mark out of
// its environment is not found again.
package lab
