package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Capture writes the frames on a wire to a file in the pcap format, as tcpdump and
// Wireshark read it.
type Capture struct {
	socket *os.File
	file   *os.File
	out    *bufio.Writer
	ports  map[int]bool // by the number of the interface
	loop   sync.WaitGroup
	err    error // of the loop
}

// Of the pcap format, little-endian.
const (
	pcapMagic      = 0xA1B2C3D4 // times in microseconds
	pcapHeaderSize = 24
	pcapRecordSize = 16
	pcapEthernet   = 1
	maxFrame       = 1 << 16
)

// captureBuffer is how many octets of frames may wait to be written.
const captureBuffer = 64 << 20

// Capture begins to write to the file at path what comes out of every cable, each
// frame once in the order of arrival; with several subnets it is seen once in each.
// Close ends it.
func (w *Wire) Capture(path string) (*Capture, error) {
	c := &Capture{ports: map[int]bool{}}
	if err := w.middle.links(c.findPorts); err != nil {
		return nil, err
	}
	var err error
	if c.file, err = os.Create(path); err != nil {
		return nil, err
	}
	c.out = bufio.NewWriter(c.file)
	header := binary.LittleEndian.AppendUint32(nil, pcapMagic)
	header = binary.LittleEndian.AppendUint32(header, 2|4<<16) // the format's version, 2.4
	header = binary.LittleEndian.AppendUint64(header, 0)
	header = binary.LittleEndian.AppendUint32(header, maxFrame)
	header = binary.LittleEndian.AppendUint32(header, pcapEthernet)
	_, err = c.out.Write(header)
	if err == nil {
		err = w.middle.do(c.open)
	}
	if err != nil {
		c.file.Close()
		return nil, fmt.Errorf("capture: %w", err)
	}
	c.loop.Go(c.captureLoop)
	return c, nil
}

// findPorts finds the interfaces that cables are in: all but the bridges and the
// loopback.
func (c *Capture) findPorts(h *netlink.Handle) error {
	links, err := h.LinkList()
	for _, l := range links {
		c.ports[l.Attrs().Index] = l.Type() == "veth"
	}
	return err
}

// open opens the socket, in the namespace of the bridges.
func (c *Capture) open() error {
	all := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL)) // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, int(all))
	if err != nil {
		return err
	}
	c.socket = os.NewFile(uintptr(fd), "capture")
	return errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, captureBuffer),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1))
}

// captureLoop writes frames. It ends when Close sets a deadline, or when the file
// can't be written.
func (c *Capture) captureLoop() {
	raw, err := c.socket.SyscallConn()
	frame := make([]byte, pcapRecordSize+maxFrame)
	for err == nil && c.err == nil {
		err = raw.Read(func(fd uintptr) bool { return c.take(int(fd), frame) })
	}
}

// take writes the next frame; it returns false if there is none. frame is memory for
// a record.
func (c *Capture) take(fd int, frame []byte) bool {
	n, from, err := unix.Recvfrom(fd, frame[pcapRecordSize:], 0)
	if err == unix.EAGAIN {
		return false
	}
	link, ok := from.(*unix.SockaddrLinklayer)
	if err != nil || !ok || !c.ports[link.Ifindex] {
		return true
	}
	now := time.Now()
	binary.LittleEndian.PutUint32(frame, uint32(now.Unix()))
	binary.LittleEndian.PutUint32(frame[4:], uint32(now.Nanosecond()/1000))
	binary.LittleEndian.PutUint32(frame[8:], uint32(n))
	binary.LittleEndian.PutUint32(frame[12:], uint32(n))
	if _, err := c.out.Write(frame[:pcapRecordSize+n]); err != nil {
		c.err = err
	}
	return true
}

// Close ends the capture when what has arrived is written. It fails if the file
// lacks frames.
func (c *Capture) Close() error {
	raw, err := c.socket.SyscallConn()
	if err == nil {
		err = errors.Join(raw.Control(func(fd uintptr) { err = c.finish(int(fd)) }), err)
	}
	c.socket.Close()
	return errors.Join(err, c.out.Flush(), c.file.Close())
}

// finish lets no more frames in, and writes those that wait.
func (c *Capture) finish(fd int) error {
	none := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}} // a filter that takes no octet
	err := errors.Join(
		unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &none[0]}),
		c.socket.SetReadDeadline(time.Now()))
	c.loop.Wait()
	if err != nil {
		return err
	}
	for frame := make([]byte, pcapRecordSize+maxFrame); c.err == nil && c.take(fd, frame); {
	}
	stats, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err == nil && stats.Drops > 0 {
		err = fmt.Errorf("capture: %d of %d frames are missing", stats.Drops, stats.Packets)
	}
	return errors.Join(err, c.err)
}
