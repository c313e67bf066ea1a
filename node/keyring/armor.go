package keyring

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// A file is text: a title, the content in base64, and at the end the first eight
// octets of the content's SHA-256, in hex. So people see what a file is, and
// damage is found.

// lineSize is the most characters in a line of base64.
const lineSize = 64

// armor makes the text of a file. secret tells people so.
func armor(title string, secret bool, content []byte) []byte {
	var b bytes.Buffer
	b.WriteString(firstLine(title, secret) + "\n")
	text := base64.StdEncoding.EncodeToString(content)
	for ; len(text) > lineSize; text = text[lineSize:] {
		b.WriteString(text[:lineSize] + "\n")
	}
	fmt.Fprintf(&b, "%s\n-- %x\n", text, checksum(content))
	return b.Bytes()
}

func firstLine(title string, secret bool) string {
	if secret {
		return title + ", format 1. Secret: whoever has it can be you."
	}
	return title + ", format 1"
}

func checksum(content []byte) []byte {
	sum := sha256.Sum256(content)
	return sum[:8]
}

// unarmor returns the content of a file with that title. ok is false if it is
// anything but what armor makes.
func unarmor(title string, secret bool, file []byte) (content []byte, ok bool) {
	text, found := strings.CutPrefix(string(file), firstLine(title, secret)+"\n")
	body, _, hasSum := strings.Cut(text, "-- ")
	content, err := base64.StdEncoding.Strict().DecodeString(strings.ReplaceAll(body, "\n", ""))
	return content, found && hasSum && err == nil && bytes.Equal(armor(title, secret, content), file)
}
