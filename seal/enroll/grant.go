package enroll

import (
	"encoding/binary"
	"net/netip"
	"time"

	"vsys/seal/cert"
)

// Grant is what a host gets that joins.
type Grant struct {
	Certificate cert.Certificate
	// Trust has no successions, and the zero bulletin if that did not fit; then
	// the first host that the new one meets offers it.
	Trust     cert.Trust
	Inviter   string           // host name of the keeper
	Addresses []netip.AddrPort // where hosts are: the inviter first, as it answered
}

// append appends the grant as a payload, without what doesn't fit: addresses,
// the last first, or the bulletin.
func (g *Grant) append(b []byte) []byte {
	b = appendField(b, fieldCert, g.Certificate.Append(nil))
	b = appendField(b, fieldInviter, []byte(g.Inviter))
	trust := g.Trust.Append(nil)
	if len(b)+fieldHead+len(trust) > payloadSize {
		small := g.Trust
		small.Bulletin = cert.Bulletin{}
		trust = small.Append(nil)
	}
	b = appendField(b, fieldTrust, trust)
	for _, a := range g.Addresses {
		v := binary.BigEndian.AppendUint16(a.Addr().Unmap().AsSlice(), a.Port())
		if len(b)+fieldHead+len(v) > payloadSize {
			break
		}
		b = appendField(b, fieldAddress, v)
	}
	return b
}

// refusal is a keeper's no.
type refusal struct {
	reason Reason
	skew   time.Duration // Clock: the joiner's clock less the keeper's
	user   string        // Used: the host that used it
}

// append appends the refusal as a payload.
func (r *refusal) append(b []byte) []byte {
	b = appendField(b, fieldRefusal, []byte{byte(r.reason)})
	if r.reason == Clock {
		b = appendField(b, fieldSkew, binary.BigEndian.AppendUint64(nil, uint64(r.skew.Milliseconds())))
	}
	if r.user != "" {
		b = appendField(b, fieldUser, []byte(r.user))
	}
	return b
}

// parseAnswer reads a payload: a grant, or a refusal with a reason. Errors wrap
// ipc.BadArgs.
func parseAnswer(b []byte) (g Grant, r refusal, err error) {
	err = eachField(b, func(typ byte, v []byte) bool {
		var err error
		switch typ {
		case fieldCert:
			g.Certificate, err = cert.ParseCertificate(v)
		case fieldTrust:
			g.Trust, err = cert.ParseTrust(v)
		case fieldInviter:
			g.Inviter = string(v)
			return cert.ValidName(g.Inviter)
		case fieldAddress:
			return g.addAddress(v)
		case fieldRefusal:
			if len(v) != 1 || v[0] == 0 || Reason(v[0]) >= NoAnswer {
				return false
			}
			r.reason = Reason(v[0])
		case fieldSkew:
			ms, ok := number(v)
			r.skew = time.Duration(max(-maxSkew, min(maxSkew, ms))) * time.Millisecond
			return ok
		case fieldUser:
			r.user = string(v)
			return cert.ValidName(r.user)
		}
		return err == nil
	})
	if err == nil && r.reason == 0 && (len(g.Trust.Keys) == 0 || g.Certificate.Name == "") {
		err = errBody
	}
	return g, r, err
}

// maxSkew is the most by which clocks are said to differ, ms: 100 years.
const maxSkew = 100 * 365 * 24 * 3600 * 1000

// addAddress reads an address; ok is false if it can't be.
func (g *Grant) addAddress(v []byte) (ok bool) {
	if len(v) < 2 {
		return false
	}
	ip, ok := netip.AddrFromSlice(v[:len(v)-2])
	port := binary.BigEndian.Uint16(v[len(v)-2:])
	g.Addresses = append(g.Addresses, netip.AddrPortFrom(ip.Unmap(), port))
	return ok && port != 0
}
