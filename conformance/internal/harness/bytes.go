package harness

import (
	"bytes"
	"fmt"
	"slices"
)

// Blobs are byte strings that get lost or changed on the way by text, terminators, padding and escapes.
func Blobs(longest int) map[string][]byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return map[string][]byte{
		"nil": nil, "no bytes": {}, "a NUL": {0}, "spaces": []byte("  "), "all values": all[:min(256, longest)], "all values, backwards": reversed(all)[:min(256, longest)],
		"bytes that are not UTF-8": {0xff, 0xfe, 0xc0, 0x80}, "text that looks escaped": []byte(`\x00 \000 %00 &amp; '' "" \\`),
		fmt.Sprintf("%d bytes", longest): Noise(longest), "trailing NULs": append([]byte("x"), make([]byte, 20)...),
		"zeros": make([]byte, min(200, longest)),
	}
}

func reversed(b []byte) []byte {
	b = bytes.Clone(b)
	slices.Reverse(b)
	return b
}

// Noise returns n bytes that do not compress well.
func Noise(n int) []byte {
	b := make([]byte, n)
	x := uint32(2463534242)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}
