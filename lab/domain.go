package lab

import (
	"crypto/rand"
	"time"

	"vsys/kernel"
	"vsys/seal/cert"
)

// domain makes the V domain of the lab: for each host its keys, which are on no
// disk. The first is its keeper. In a clear domain they are nil.
func (c *Config) domain() ([]*kernel.Member, error) {
	members := make([]*kernel.Member, c.hosts())
	if c.Clear {
		return members, nil
	}
	wall := time.Now()
	key, trust, first, err := cert.NewDomain(rand.Reader, wall, names[0])
	if err != nil {
		return nil, err
	}
	members[0] = &kernel.Member{Identity: first, Trust: trust, Keeper: key}
	for i := range members[1:] {
		own, err := cert.NewHostKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		c := cert.Issue(key, cert.New(trust.Domain, own.Public, names[i+1], cert.RoleHost, wall))
		members[i+1] = &kernel.Member{Identity: cert.Identity{Key: own, Certificate: c}, Trust: trust.ForNewcomer()}
	}
	return members, nil
}
