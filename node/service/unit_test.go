package service

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsys/ipc"
)

func TestUnit(t *testing.T) {
	system := Unit(Command{Program: "/usr/bin/vsys", Args: []string{"--name=beta"}})
	user := Unit(Command{Program: "/usr/bin/vsys", User: true})
	for _, line := range []string{
		"Type=notify", "NotifyAccess=main", "Restart=on-failure", "FileDescriptorStoreMax=4",
		"RuntimeDirectory=vsys", "RuntimeDirectoryPreserve=restart", "KillMode=mixed", "WatchdogSec=30",
	} {
		if !strings.Contains(system, "\n"+line+"\n") || !strings.Contains(user, "\n"+line+"\n") {
			t.Errorf("no line %s in\n%s\nor\n%s", line, system, user)
		}
	}
	for _, line := range []string{
		"ExecStart=/usr/bin/vsys boot --foreground --name=beta", "StateDirectory=vsys", "WantedBy=multi-user.target", "After=network.target",
	} {
		if !strings.Contains(system, "\n"+line+"\n") || strings.Contains(user, "\n"+line+"\n") {
			t.Errorf("line %s is not in the system's unit, or in the user's", line)
		}
	}
	if !strings.HasSuffix(user, "\nWantedBy=default.target\n") {
		t.Errorf("the user's:\n%s", user)
	}
	// What gives a unit a file system of its own would hide files from the unix
	// server, and mounts of its programs from the machine.
	for _, bad := range []string{"ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "NoNewPrivileges", "ProtectKernel"} {
		if strings.Contains(system+user, bad) {
			t.Errorf("%s takes away what a host is for", bad)
		}
	}
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"plain": "plain", "": `""`, "a b": `"a b"`, "50%": "50%%", "$HOME": "$$HOME", `a"b\c`: `"a\"b\\c"`, "a\nb": `"a\nb"`,
		"--export=x=/a b": `"--export=x=/a b"`, "a;b": `"a;b"`,
	} {
		if got := quote(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}

func TestInstall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "systemd", "vsys.service")
	for _, unit := range []string{Unit(Command{Program: "/one"}), Unit(Command{Program: "/two"})} {
		if err := Install(path, unit); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != unit {
			t.Errorf("%q, %v", got, err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("[Unit]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Install(path, "x"); !errors.Is(err, ipc.DuplicateName) {
		t.Errorf("somebody else's: %v", err)
	}
	if err := Install("/dev/null/x", "x"); err == nil {
		t.Error("nowhere, and no complaint")
	}
	if steps := strings.Join(InstallSteps(true), "\n"); !strings.Contains(steps, "systemctl --user enable --now vsys\n") || !strings.Contains(steps, "linger") {
		t.Errorf("a user's steps:\n%s", steps)
	}
	if steps := strings.Join(InstallSteps(false), "\n"); steps != "systemctl daemon-reload\nsystemctl enable --now vsys" {
		t.Errorf("the system's steps:\n%s", steps)
	}
}
