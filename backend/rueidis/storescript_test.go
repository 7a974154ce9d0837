package rueidisstore

import (
	"crypto/sha1"
	"encoding/hex"
	"testing"
)

// TestStoreScriptNames: a wrong name would cost a round trip at each call.
func TestStoreScriptNames(t *testing.T) {
	for _, c := range []*change{saveScript, touchScript, removeScript, forgetScript, indexScript, cutoffScript} {
		for _, s := range []script{c.script, {c.sha1, c.header + c.script.text}} {
			sum := sha1.Sum([]byte(s.text))
			if got := hex.EncodeToString(sum[:]); got != s.sha1 {
				t.Errorf("sha1 is %s, want %s of\n%s", s.sha1, got, s.text)
			}
		}
	}
}
