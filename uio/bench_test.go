package uio_test

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"testing"

	"vsys/kernel"
	"vsys/naming"
	"vsys/uio"
	"vsys/uio/uiotest"
)

// twoHosts returns a client on one host and a server in memory, at "/mem", on
// another.
func twoHosts(b *testing.B) *naming.Client {
	alpha := boot(b, "alpha", 1, kernel.HostConfig{})
	serveMemory(b, boot(b, "beta", 2, kernel.HostConfig{Peers: []netip.AddrPort{alpha.Addr()}}), uiotest.NewMemory())
	return newClient(b, alpha)
}

// BenchmarkOpenReadClose opens a file on another host by name, reads 100 octets
// and closes it: three transactions.
func BenchmarkOpenReadClose(b *testing.B) {
	c := twoHosts(b)
	if err := uio.WriteFile(b.Context(), c, "/mem/file", make([]byte, 100), 0o644); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		f, err := uio.Open(b.Context(), c, "/mem/file", uio.Read, 0)
		if err == nil {
			_, err = f.Read(buf)
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead1M reads a megabyte from another host in order: with buffers of
// several sizes, with io.Copy, and at once.
func BenchmarkRead1M(b *testing.B) {
	const size = 1 << 20
	c := twoHosts(b)
	if err := uio.WriteFile(b.Context(), c, "/mem/file", make([]byte, size), 0o644); err != nil {
		b.Fatal(err)
	}
	run := func(name string, read func(*uio.File) (int64, error)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				f, err := uio.Open(b.Context(), c, "/mem/file", uio.Read, 0)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := read(f); n != size || err != nil {
					b.Fatalf("%d octets, %v", n, err)
				}
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, room := range []int{4 << 10, 16 << 10, 64 << 10, 1 << 20} {
		run(fmt.Sprintf("buffer %dK", room>>10), func(f *uio.File) (int64, error) {
			return io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, make([]byte, room))
		})
	}
	run("Copy", func(f *uio.File) (int64, error) { return io.Copy(io.Discard, f) })
	run("ReadAt", func(f *uio.File) (int64, error) { n, err := f.ReadAt(make([]byte, size), 0); return int64(n), err })
}

// BenchmarkWrite1M writes a megabyte over another one, on another host.
func BenchmarkWrite1M(b *testing.B) {
	const size = 1 << 20
	c := twoHosts(b)
	data := make([]byte, size)
	if err := uio.WriteFile(b.Context(), c, "/mem/file", data, 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		f, err := uio.Open(b.Context(), c, "/mem/file", uio.Write, 0)
		if err == nil {
			_, err = io.Copy(f, bytes.NewReader(data))
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
