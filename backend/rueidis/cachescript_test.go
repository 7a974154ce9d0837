package rueidisstore

import (
	"crypto/sha1"
	"encoding/hex"
	"testing"
)

// TestScriptNames: a wrong name would cost a round trip at each call.
func TestScriptNames(t *testing.T) {
	for _, s := range []script{takeScript, putScript} {
		sum := sha1.Sum([]byte(s.text))
		if got := hex.EncodeToString(sum[:]); got != s.sha1 {
			t.Errorf("sha1 is %s, want %s of\n%s", s.sha1, got, s.text)
		}
	}
}
