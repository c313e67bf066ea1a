package main

import (
	"context"
	"os/signal"
	"syscall"
)

// interruptible returns a context that ends when the user or the system wants
// this program to end.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
}

// terminable is interruptible for an executive on a terminal, in which Ctrl-C
// interrupts what runs there.
func terminable(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGHUP)
}
