package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Injector sends UDP packets that claim to come from anywhere, from one machine.
// One goroutine at a time may use it.
type Injector struct {
	fd  int
	buf []byte
}

// Injector returns one for the machine. Close gives it back.
func (m *Machine) Injector() (*Injector, error) {
	in := &Injector{fd: -1}
	err := m.net.do(func() (err error) {
		in.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		if err == nil {
			err = unix.BindToDevice(in.fd, machineInterface) // so multicasts need no route
		}
		return err
	})
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("injector: %w", err)
	}
	return in, nil
}

// Close closes the injector.
func (in *Injector) Close() { _ = unix.Close(in.fd) }

// Send sends payload as a packet from from to to; both are IPv4. It is not
// fragmented: it fails if it is larger than the interface takes. It blocks only
// while the interface is busy. Send does not keep payload.
func (in *Injector) Send(from, to netip.AddrPort, payload []byte) error {
	const header = ipv4Size + udpSize
	b := append(in.buf[:0], make([]byte, header)...)
	b = append(b, payload...)
	in.buf = b
	b[0], b[8], b[9] = 0x45, 64, protocolUDP // version and size of the header, hops
	src, dst := from.Addr().As4(), to.Addr().As4()
	copy(b[12:], src[:])
	copy(b[16:], dst[:])
	udp := b[ipv4Size:]
	binary.BigEndian.PutUint16(udp, from.Port())
	binary.BigEndian.PutUint16(udp[2:], to.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(len(udp))) // without checksum, as UDP over IPv4 may be
	return unix.Sendto(in.fd, b, 0, &unix.SockaddrInet4{Addr: dst})
}
