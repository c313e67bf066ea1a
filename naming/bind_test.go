package naming

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"vsys/ipc"
)

func TestBindings(t *testing.T) {
	var c Client
	for _, b := range []Binding{
		{"/h", "/unix/beta/home/ann"}, {"/h/deep", "/other"}, {"/twice", "/h"}, {"/h/", "/unix/beta/home/ann"},
	} {
		if err := c.Bind(b.Prefix, b.Target); err != nil {
			t.Fatalf("bind %s: %v", b.Prefix, err)
		}
	}
	for name, want := range map[string]string{
		"/h": "/unix/beta/home/ann", "/h/x": "/unix/beta/home/ann/x", "/h/deep/x": "/other/x",
		"/twice/x": "/unix/beta/home/ann/x", "/hx": "/hx", "/": "/", "/h/../h/x": "/unix/beta/home/ann/x",
	} {
		if got, err := c.binds.expand(name); got != want || err != nil {
			t.Errorf("%s stands for %q, %v; want %q", name, got, err, want)
		}
	}
	want := []Binding{{"/h", "/unix/beta/home/ann"}, {"/h/deep", "/other"}, {"/twice", "/h"}}
	if got := c.Bindings(); !reflect.DeepEqual(got, want) {
		t.Errorf("bindings %v, want %v", got, want)
	}
	if err := c.Unbind("/h"); err != nil {
		t.Error(err)
	}
	if err := c.Unbind("/h"); !errors.Is(err, ipc.NotFound) {
		t.Errorf("unbind again: %v", err)
	}
	if got, _ := c.binds.expand("/h/x"); got != "/h/x" {
		t.Errorf("after that /h/x stands for %s", got)
	}
}

func TestBindingsRefused(t *testing.T) {
	var c Client
	for _, b := range []Binding{{"/", "/x"}, {"", "/x"}, {"x", "/x"}, {"/x", ""}, {"/x", "/x"}, {"/x", "/x/y"}, {"/x", "y\x00"}} {
		if err := c.Bind(b.Prefix, b.Target); !errors.Is(err, ipc.IllegalName) {
			t.Errorf("bind %q to %q: %v", b.Prefix, b.Target, err)
		}
	}
	for i := range maxAliasDepth + 1 {
		if err := c.Bind(fmt.Sprintf("/a%d", i), fmt.Sprintf("/a%d", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := c.binds.expand("/a0"); !errors.Is(err, ipc.IllegalName) {
		t.Errorf("too many aliases lead to %q, %v", got, err)
	}
	if got, err := c.binds.expand("/a1/x"); got != fmt.Sprintf("/a%d/x", maxAliasDepth+1) || err != nil {
		t.Errorf("as many as may be lead to %q, %v", got, err)
	}
	for i := len(c.binds.list); i < maxBindings; i++ {
		c.binds.list = append(c.binds.list, Binding{"/z", "/y"})
	}
	if err := c.Bind("/0", "/y"); !errors.Is(err, ipc.NoServerResources) {
		t.Errorf("one too many: %v", err)
	}
}
