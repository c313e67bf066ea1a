package main

import (
	"syscall"
	"testing"
)

// TestEnded: the status of an executive that a signal ends is that of the signal,
// but for SIGINT, which the script has a word in.
func TestEnded(t *testing.T) {
	for sig, want := range map[syscall.Signal]int{
		syscall.SIGTERM: 143, syscall.SIGHUP: 129, syscall.SIGQUIT: 131, syscall.SIGINT: 7,
	} {
		ctx, stop := interruptible(t.Context())
		if err := syscall.Kill(syscall.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		if got := ended(ctx, 7); got != want {
			t.Errorf("%v: %d, want %d", sig, got, want)
		}
		stop()
	}
	ctx, stop := interruptible(t.Context())
	stop()
	if got := ended(ctx, 7); got != 7 {
		t.Errorf("without a signal: %d", got)
	}
}
