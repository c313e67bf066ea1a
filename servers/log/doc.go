// Package log is the log server: it keeps a host's recent log lines and lets
// every host read them by name.
//
// # What it answers
//
// /log/HOST is a context with one object, kernel: the lines that the host's
// kernel and servers have logged last, as text, oldest first. It reads as of its
// opening, and ends with end of file. Its size and its time of change are those of
// the lines kept.
//
//	vsys cat /log/beta/kernel
//
// # Use
//
// A [Ring] keeps the lines. [Handler] stands in front of the slog.Handler that a
// host logs to, and puts a copy of each record into the ring:
//
//	ring := &log.Ring{}
//	logger := slog.New(log.Handler(ring, next))
//	s := &log.Server{Lines: ring, Log: logger}
//
// The ring may be filled before the server serves, so the first lines are those of
// the boot.
//
// # Limits
//
// A ring has the last MaxLines lines or MaxSize octets, whichever is less. A line
// longer than MaxLine octets is cut. The log of a host ends with it; what outlives
// it is the affair of the handler behind. Nothing can be written.
//
// Sources: docs/wire/naming.md, uio.md.
package log
