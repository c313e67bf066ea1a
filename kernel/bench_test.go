package kernel

import (
	"fmt"
	"testing"

	"vsys/ipc"
)

// BenchmarkMessage is a message transaction between two teams in one Linux
// process, over loopback, with a segment as Request; sealed, and in the clear.
func BenchmarkMessage(b *testing.B) {
	for _, domain := range []struct {
		name   string
		change func(*HostConfig)
	}{{"sealed", nil}, {"clear", inClear}} {
		for _, size := range []int{0, 1024, 16384} {
			b.Run(fmt.Sprint(domain.name, "/", size), func(b *testing.B) {
				benchmarkMessage(b, bootHosts(b, 2, domain.change), size)
			})
		}
	}
}

func benchmarkMessage(b *testing.B, hosts []*Host, size int) {
	server := serve(b, newTeam(b, hosts[1]), func(p *Process, m *ipc.Message, t ipc.Transaction, _ []byte) {
		m.SetCode(ipc.OK)
		p.Reply(m, t, nil)
	})
	client := process(b, newTeam(b, hosts[0]), "client")
	var m ipc.Message
	segment := make([]byte, size)
	b.ReportAllocs()
	b.SetBytes(int64(size))
	for b.Loop() {
		if _, err := client.Send(&m, server.PID(), ipc.Segment{Read: segment}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkClients is the rate of messages of many processes of one team to one
// server on another host.
func BenchmarkClients(b *testing.B) {
	for _, n := range []int{1, 4, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			hosts := bootHosts(b, 2, nil)
			server := serve(b, newTeam(b, hosts[1]), echo)
			k := newTeam(b, hosts[0])
			clients := make(chan *Process, n)
			for range n {
				clients <- process(b, k, "client")
			}
			b.SetParallelism(n) // goroutines a processor; the channel bounds them
			b.RunParallel(func(pb *testing.PB) {
				c := <-clients
				defer func() { clients <- c }()
				var m ipc.Message
				for pb.Next() {
					if _, err := c.Send(&m, server.PID(), ipc.Segment{}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
