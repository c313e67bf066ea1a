package enroll

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/seal/cert"
)

func TestInvitations(t *testing.T) {
	w := newWorld(t)
	codes := []Code{w.invite(), w.invite(), w.invite(), w.invite()}
	w.try(codes[0], "beta")
	if err := w.inv.Revoke(2, w.wall); err != nil {
		t.Fatal(err)
	}
	w.wall = start.Add(30 * time.Minute)
	long, err := w.inv.New(w.wall, cert.RoleHost|cert.RoleKeeper, MaxTerm, w.rand)
	if err != nil || long.Number != 5 {
		t.Fatalf("%v, %v", long, err)
	}
	w.wall = start.Add(time.Hour)
	var got []string
	list := w.inv.List(w.wall)
	for i := range list {
		got = append(got, list[i].String(w.wall))
	}
	if want := []string{"used by beta", "taken back", "ended", "ended", "open until 12:30"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if !list[4].Roles.Has(cert.RoleKeeper) || list[0].User != "beta" || list[0].Key == [32]byte{} {
		t.Errorf("%+v", list)
	}
	w.wall = start.Add(remembered + 30*time.Minute) // 1 and 2 are forgotten, 3 and 4 not yet
	if c := w.invite(); c.Number != 1 {
		t.Errorf("the next has number %d", c.Number)
	}
	if list := w.inv.List(w.wall); len(list) != 4 {
		t.Errorf("%d are known", len(list))
	}
	j, _ := w.try(long, "keeper2")
	if j.grant == nil || !j.grant.Certificate.Roles.Has(cert.RoleKeeper) {
		t.Errorf("a second keeper: %v", j.err)
	}
}

func TestNewRefuses(t *testing.T) {
	w := newWorld(t)
	for _, x := range []struct {
		roles cert.Roles
		term  time.Duration
	}{{cert.RoleHost, -1}, {cert.RoleHost, MaxTerm + 1}, {cert.RoleHost, time.Millisecond}, {cert.RoleKeeper, 0}, {0, 0}} {
		if _, err := w.inv.New(start, x.roles, x.term, w.rand); !errors.Is(err, ipc.BadArgs) {
			t.Errorf("roles %d, term %v: %v", x.roles, x.term, err)
		}
	}
	if _, err := w.inv.New(start, cert.RoleHost, 0, bytes.NewReader(make([]byte, 9))); err == nil {
		t.Error("a code of 9 random octets")
	}
	for range MaxNumber {
		w.invite()
	}
	if _, err := w.inv.New(start, cert.RoleHost, 0, w.rand); !errors.Is(err, ipc.NoServerResources) {
		t.Errorf("one too many: %v", err)
	}
}

func TestInvitationsOnDisk(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.invite()
	}
	w.try(w.invite(), "beta")
	if err := w.inv.Revoke(3, w.wall); err != nil {
		t.Fatal(err)
	}
	b := w.inv.Append([]byte("before"))[6:]
	back, err := ParseInvitations(b)
	if err != nil || !reflect.DeepEqual(back, w.inv) {
		t.Fatalf("%+v, %v; want %+v", back, err, w.inv)
	}
	if len(b) > MaxInvitations {
		t.Errorf("%d octets", len(b))
	}
	for n := range b {
		if _, err := ParseInvitations(b[:n]); !errors.Is(err, ipc.BadArgs) {
			t.Fatalf("cut after %d octets: %v", n, err)
		}
	}
	for what, at := range map[string]int{"version": 0, "too many": 1, "number": 2, "state": 3} {
		x := bytes.Clone(b)
		x[at] = 200
		if _, err := ParseInvitations(x); err == nil {
			t.Errorf("%s of 200", what)
		}
	}
	if empty, err := ParseInvitations((&Invitations{}).Append(nil)); err != nil || len(empty.List(start)) != 0 {
		t.Errorf("none: %v, %v", empty, err)
	}
}

func TestNewJoinerRefuses(t *testing.T) {
	w := newWorld(t)
	good := w.joining(w.invite(), "beta")
	for what, spoil := range map[string]func(*Joining){
		"name": func(j *Joining) { j.Name = "a b" }, "number": func(j *Joining) { j.Code.Number = 100 },
		"no number": func(j *Joining) { j.Code.Number = 0 }, "port": func(j *Joining) { j.Port = 0 },
	} {
		how := good
		spoil(&how)
		if _, err := NewJoiner(how, 0, start, w.rand); !errors.Is(err, ipc.BadArgs) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := NewJoiner(good, 0, start, bytes.NewReader(nil)); err == nil {
		t.Error("joins without randomness")
	}
}

func TestErrorsSayWhatToTry(t *testing.T) {
	for _, r := range []Reason{Used, Ended, Withdrawn, NameTaken, Clock, Expelled, NoAnswer, WrongCode, Garbled, 77} {
		e := &Error{Reason: r, Number: 7, Name: "beta", After: DefaultLimit, Port: 8145, Err: ipc.BadArgs}
		if e.Error() == "" || e.Hint() == "" || e.Unwrap() == nil {
			t.Errorf("reason %d: %q, %q", r, e, e.Hint())
		}
	}
}
