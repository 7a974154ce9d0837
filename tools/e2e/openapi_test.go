package e2e

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

//go:embed openapi.mjs
var openapiScript string

// TestOpenAPI: the description of the pages' JSON is a valid OpenAPI 3.1 document, and one with a mistake is not.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile("../../adapters/nethttp/pages/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	replaced := func(from, to string) []byte {
		if !bytes.Contains(good, []byte(from)) {
			t.Errorf("the document does not have %s", from)
		}
		return bytes.Replace(good, []byte(from), []byte(to), 1)
	}
	for name, test := range map[string]struct {
		document []byte
		valid    bool
	}{
		"the document":          {good, true},
		"no title":              {replaced(`"title":`, `"x-title":`), false},
		"an unknown member":     {replaced(`"operationId":`, `"operation":`), false},
		"a reference to nobody": {replaced(`#/components/schemas/List"`, `#/components/schemas/Lists"`), false},
		"another version":       {replaced(`"3.1.0"`, `"3.0.3"`), false},
	} {
		got := validateOpenAPI(t, test.document)
		if got.Version != "3.1" && test.valid || got.Valid != test.valid {
			t.Errorf("%s: got %+v, want valid: %v", name, got, test.valid)
		}
	}
}

type openAPIResult struct {
	Version string
	Valid   bool
	Errors  json.RawMessage
}

func validateOpenAPI(t *testing.T, document []byte) (r openAPIResult) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--input-type=module", "--eval", openapiScript)
	cmd.Dir = need(t, shared.packages) // where imports are looked for
	cmd.Stdin = bytes.NewReader(document)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r
}
