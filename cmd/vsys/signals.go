package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// signaled is why a context has ended: a signal came.
type signaled struct{ syscall.Signal }

func (s signaled) Error() string { return s.Signal.String() }

// heeding returns a context that ends when one of the signals comes.
func heeding(ctx context.Context, signals ...os.Signal) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, signals...)
	go func() { // ends with ctx
		select {
		case s := <-heard:
			cancel(signaled{s.(syscall.Signal)}) // Unix has no others
		case <-ctx.Done():
		}
	}()
	return ctx, func() { signal.Stop(heard); cancel(nil) }
}

// interruptible returns a context that ends when the user or the system wants
// this program to end.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	return heeding(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
}

// terminable is interruptible for an executive on a terminal, in which Ctrl-C
// interrupts what runs there.
func terminable(ctx context.Context) (context.Context, context.CancelFunc) {
	return heeding(ctx, syscall.SIGTERM, syscall.SIGHUP)
}

// ended returns the exit status of an executive that ran in ctx: that of the
// signal which ended it, if one other than SIGINT did, else the given one.
func ended(ctx context.Context, status int) int {
	var s signaled
	if errors.As(context.Cause(ctx), &s) && s.Signal != syscall.SIGINT {
		return 128 + int(s.Signal)
	}
	return status
}
