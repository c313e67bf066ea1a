// Package namingtest holds what tests of naming share: a conformance suite that
// every server with names passes, and a V domain in memory for kernel servers.
//
// # Use
//
//	func TestNaming(t *testing.T) {
//		namingtest.Test(t, func(t *testing.T) namingtest.Target { … })
//	}
//
// Sources: docs/wire/naming.md.
package namingtest
