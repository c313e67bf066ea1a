package kernel

import (
	"fmt"
	"testing"

	"vsys/ipc"
)

// BenchmarkMessage is a message transaction between two teams in one Linux
// process, over loopback, with a segment as Request.
func BenchmarkMessage(b *testing.B) {
	for _, size := range []int{0, 1024, 16384} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			hosts := bootHosts(b, 2, nil)
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
		})
	}
}
