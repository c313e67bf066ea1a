package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"vsys/ipc"
	"vsys/node"
)

// unitMark begins each unit file of ours.
const unitMark = "# Written by vsys boot --install, which replaces it.\n"

// Command is what a unit runs.
type Command struct {
	Program string   // an absolute path
	Args    []string // after "boot"
	User    bool     // in a user's service manager
}

// Unit returns the unit file for a host.
//
// It takes away the rights that a host does not need, and no more: what a unit can't
// see or do, neither can the unix server, nor the programs of the host. So it has
// a file system of its own in no respect.
func Unit(c Command) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	b.WriteString(unitMark)
	line("\n[Unit]\nDescription=V: this machine as a host")
	if !c.User {
		line("After=network.target")
	}
	line("\n[Service]\nType=notify\nNotifyAccess=main")
	line("ExecStart=%s", commandLine(c))
	line("Restart=on-failure\nRestartSec=2\nTimeoutStartSec=30\nTimeoutStopSec=15\nWatchdogSec=30")
	line("\n# The socket of its programs outlives a restart.\nFileDescriptorStoreMax=4\nRuntimeDirectory=vsys\nRuntimeDirectoryMode=0700\nRuntimeDirectoryPreserve=restart")
	line("\n# Its programs: they end with it, and one that runs out of memory is not its end.\nKillMode=mixed\nOOMPolicy=continue\nLimitNOFILE=65536\nTasksMax=infinity")
	if !c.User {
		line("\n# All files of the machine are its business, but not these.\nStateDirectory=vsys\nStateDirectoryMode=0700\nCacheDirectory=vsys\nCacheDirectoryMode=0700")
		line("CapabilityBoundingSet=~CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_BOOT CAP_SYS_TIME CAP_MAC_ADMIN CAP_MAC_OVERRIDE")
	}
	target := "multi-user.target"
	if c.User {
		target = "default.target"
	}
	line("\n[Install]\nWantedBy=%s", target)
	return b.String()
}

// commandLine returns the command as systemd.service(5) has it.
func commandLine(c Command) string {
	words := append([]string{c.Program, "boot", "--foreground"}, c.Args...)
	for i, w := range words {
		words[i] = quote(w)
	}
	return strings.Join(words, " ")
}

// quote returns a word for a command line of systemd: % and $ mean something there.
func quote(word string) string {
	word = strings.NewReplacer("%", "%%", "$", "$$").Replace(word)
	if word != "" && !strings.ContainsAny(word, " \t\n\"'\\;") {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(word) + `"`
}

// Install writes a unit file. DuplicateName, with advice: there is one that was not
// written by Install.
func Install(path, unit string) error {
	old, err := os.ReadFile(path)
	switch {
	case err == nil && !strings.HasPrefix(string(old), unitMark):
		return &node.Refusal{
			Err: fmt.Errorf("%s is there and was not written by vsys boot --install: %w", path, ipc.DuplicateName),
			Try: "vsys boot --install --print shows what it would be",
		}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return replace(path, []byte(unit), 0o644)
}

// InstallSteps returns the commands that make systemd run an installed unit.
func InstallSteps(user bool) []string {
	if user {
		return []string{
			"systemctl --user daemon-reload", "systemctl --user enable --now vsys",
			"loginctl enable-linger   # to run while you are not logged in, too",
		}
	}
	return []string{"systemctl daemon-reload", "systemctl enable --now vsys"}
}
