package sqlxstore

import "testing"

// TestMySQLText: RPT-3, ATK-9. No argument ends its literal, and each goes in its place, through a wrapper of the driver too.
func TestMySQLText(t *testing.T) {
	args := []any{&sending{value: "a'?\\"}, []byte("\x00'?"), "\xff", nil, 7, int64(-8), uint64(9)}
	got := mysqlText("? ? ? ? ? ? ?", args)
	if want := "_utf8mb4 X'61273f5c' X'00273f' X'ff' NULL 7 -8 9"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if n := args[0].(*sending).times.Load(); n != 1 {
		t.Errorf("it was sent %d times, want 1", n)
	}
}
