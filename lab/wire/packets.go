package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"time"
)

// Packet is one UDP packet of a capture.
type Packet struct {
	Time     time.Time
	From, To netip.AddrPort
	Payload  []byte // until the file was cut
}

// Multicast tells whether it went to a group.
func (p *Packet) Multicast() bool { return p.To.Addr().IsMulticast() }

// ReadPackets reads the UDP packets over IPv4 of a file that Capture wrote, in
// order. Other frames and fragments of packets are left out.
func ReadPackets(path string) ([]Packet, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(b) < pcapHeaderSize || binary.LittleEndian.Uint32(b) != pcapMagic {
		return nil, fmt.Errorf("%s: not a capture", path)
	}
	var all []Packet
	for b = b[pcapHeaderSize:]; len(b) > 0; {
		if len(b) < pcapRecordSize {
			return nil, fmt.Errorf("%s: cut short", path)
		}
		seconds, micros := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
		end := pcapRecordSize + int(binary.LittleEndian.Uint32(b[8:]))
		if end > len(b) {
			return nil, fmt.Errorf("%s: cut short", path)
		}
		if p, ok := parseUDP(b[pcapRecordSize:end]); ok {
			p.Time = time.Unix(int64(seconds), int64(micros)*1000)
			all = append(all, p)
		}
		b = b[end:]
	}
	return all, nil
}

// Of Ethernet, IPv4 and UDP.
const (
	ethernetSize = 14
	etherIPv4    = 0x0800
	ipv4Size     = 20
	udpSize      = 8
	protocolUDP  = 17
)

// parseUDP takes a frame of Ethernet apart; ok is false if it is not a whole packet
// of UDP over IPv4.
func parseUDP(frame []byte) (p Packet, ok bool) {
	if len(frame) < ethernetSize+ipv4Size || binary.BigEndian.Uint16(frame[12:]) != etherIPv4 {
		return p, false
	}
	ip := frame[ethernetSize:]
	size, total := int(ip[0]&0x0F)*4, int(binary.BigEndian.Uint16(ip[2:]))
	fragment := binary.BigEndian.Uint16(ip[6:])&0x3FFF != 0
	if ip[0]>>4 != 4 || ip[9] != protocolUDP || fragment || size < ipv4Size || total < size+udpSize || total > len(ip) {
		return p, false
	}
	udp := ip[size:total]
	addr := func(a, port []byte) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a)), binary.BigEndian.Uint16(port))
	}
	p.From, p.To = addr(ip[12:16], udp), addr(ip[16:20], udp[2:])
	p.Payload = udp[udpSize:]
	return p, true
}
