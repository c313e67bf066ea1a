package link

// Stats counts what a Link did since it was made. Datagrams are counted as the
// caller sees them.
type Stats struct {
	SentPackets     uint64 // handed to the network
	SentBytes       uint64 // octets of datagrams, without UDP and IP headers
	DroppedPackets  uint64 // not sent: no buffers just then
	RefusedPackets  uint64 // not sent: an error was returned
	ReceivedPackets uint64 // given to TryReceive's caller
	ReceivedBytes   uint64
	TooLargePackets uint64 // received, larger than the Batch's memory, dropped
	OverrunPackets  uint64 // lost before they were read: the queue was full
	Sleeps          uint64 // waits in Sleep
	Parks           uint64 // waits in Park
	Kicks           uint64 // calls of Kick
}
