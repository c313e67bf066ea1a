package wire

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// ErrUnavailable is what Available's errors wrap.
var ErrUnavailable = errors.New("wire: not to be had here")

// programs are what a wire is made with, and the Debian packages they are in.
var programs = map[string]string{"nft": "nftables", "nsenter": "util-linux", "setpriv": "util-linux"}

// Available says why no wire can be made here, nil if one can. The error wraps
// ErrUnavailable and says what to do.
func Available() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: network namespaces need root", ErrUnavailable)
	}
	for name, pkg := range programs {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%w: there is no %s: apt-get install %s", ErrUnavailable, name, pkg)
		}
	}
	n, err := newNamespace("probe")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer n.close()
	if err := n.nft("add table bridge probe"); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}
