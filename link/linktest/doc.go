// Package linktest is what every link.Link must pass:
//
//	func TestLink(t *testing.T) {
//		linktest.Test(t, func(t *testing.T) (a, b link.Link) { … })
//	}
//
// The function makes two fresh links that reach each other and lose nothing.
// Test closes them.
package linktest
