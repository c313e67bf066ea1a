// Package service keeps a host running as a service of its machine: in the
// background or under systemd, where it is found again, asked how it is, and ended.
//
// # The model
//
// [Run] is a host for its life: it starts the node, leaves a [Record] of it in the
// state directory, tells systemd what that wants to know, and ends when its context
// does. [Background] runs this program again with that job, in a session of its own
// with its output in a log file, and returns when the host serves or has failed.
//
// A state directory belongs to one process at a time, which holds its lock. So
// [Find] knows whether a host runs there: a record counts only with the lock.
// [Ask] returns what there is to say about it, and [Stop] ends it.
//
// # systemd
//
// [Unit] returns a unit file of Type=notify. A [Manager] is the service manager as
// the environment names it: it is told that the host is ready, what it does, that it
// still works, and that it stops; and it keeps the listening socket while the host is
// restarted, so that programs wait a moment instead of failing. All of it is the
// datagrams of sd_notify(3) and the variables of sd_listen_fds(3), nothing more. Without
// a service manager nothing is said.
//
// # Limits
//
// A host of another user is not found, unless root asks. The log file is looked at
// for its size only when a host boots.
//
// Sources: sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3), systemd.service(5).
package service
