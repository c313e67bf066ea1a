package team

import "testing"

// BenchmarkRun starts a program, reads its output and waits for it.
func BenchmarkRun(b *testing.B) {
	for _, host := range hostNames {
		b.Run(host, func(b *testing.B) {
			w := newWorld(b, 2)
			for b.Loop() {
				cmd := w.hosts[0].client.Command("echo", "x")
				cmd.Host = host
				if out, err := cmd.Output(within(b)); err != nil || string(out) != "x\n" {
					b.Fatal(string(out), err)
				}
			}
		})
	}
}
