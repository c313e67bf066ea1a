package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// toolTime bounds how long a program that lists rules may take.
const toolTime = 3 * time.Second

// sbin are where these programs are, which the PATH of users may lack.
var sbin = []string{"/usr/sbin", "/sbin", "/usr/local/sbin"}

// firewall reads the rules that this machine has, by every tool that is here. The
// rules of iptables that are kept by nftables are read by both: as nft prints them
// they have conditions that only iptables understands.
func firewall(ctx context.Context) (f Firewall) {
	var errs []error
	for _, t := range []struct {
		name string
		args []string
	}{
		{"nft", []string{"-j", "list", "ruleset"}},
		{"iptables-save", nil},
		{"ip6tables-save", nil},
	} {
		text, err := output(ctx, t.name, t.args...)
		f.NFT = f.NFT || t.name == "nft" && !errors.Is(err, exec.ErrNotFound)
		switch {
		case errors.Is(err, exec.ErrNotFound):
		case err != nil:
			errs = append(errs, err)
		default:
			f.Rules = append(f.Rules, Rules{strings.TrimSuffix(t.name, "-save"), text})
		}
	}
	f.Err = errors.Join(errs...)
	if len(f.Rules) > 0 && f.Rules[0].Tool == "nft" {
		f.Err = nil // nft knows the rules of the others, too
	}
	f.UFW = enabledUFW(ufwFile)
	if text, err := output(ctx, "firewall-cmd", "--state"); err == nil {
		f.Firewall = strings.HasPrefix(text, "running")
	}
	return f
}

// ufwFile is where ufw says whether it is on, to all users.
const ufwFile = "/etc/ufw/ufw.conf"

// enabledUFW tells whether a file like that says so.
func enabledUFW(path string) bool {
	text, err := os.ReadFile(path)
	return err == nil && slices.ContainsFunc(strings.Split(string(text), "\n"), func(l string) bool {
		return strings.EqualFold(strings.TrimSpace(l), "ENABLED=yes")
	})
}

// output runs a program and returns what it prints. exec.ErrNotFound: it is not
// here.
func output(ctx context.Context, name string, args ...string) (string, error) {
	path, err := exec.LookPath(name)
	for i := 0; err != nil && i < len(sbin); i++ {
		path, err = exec.LookPath(filepath.Join(sbin[i], name))
	}
	if err != nil {
		return "", exec.ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, toolTime)
	defer cancel()
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = &out, &complaint
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		first, _, _ := strings.Cut(complaint.String(), "\n")
		return "", fmt.Errorf("%s: %w: %s", name, err, first)
	}
	return out.String(), nil
}
