// Package uiotest holds what tests of UIO share: a conformance suite that every
// server passes, and a server in memory that shows how small one can be.
//
// # Use
//
//	func TestUIO(t *testing.T) {
//		uiotest.Test(t, func(t *testing.T) uiotest.Target { … })
//	}
//
// Sources: docs/wire/uio.md.
package uiotest
