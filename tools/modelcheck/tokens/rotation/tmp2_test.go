package rotation
import ("testing";"fmt")
func TestTr(t *testing.T) {
	for _, i := range All() {
		res := Check(Cell(Rules()[4], Worlds()[4], i))
		if res.Broken != "" { fmt.Println(i); for j, l := range res.Trace { fmt.Println(j, l) } }
	}
}
