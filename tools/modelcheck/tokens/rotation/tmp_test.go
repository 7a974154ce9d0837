package rotation
import ("testing";"fmt";"time";"strings")
func TestTable(t *testing.T) {
	start := time.Now()
	for _, r := range Rules() {
		fmt.Printf("%-40s", r.Name)
		for _, w := range Worlds() {
			got := ""
			most := 0
			for _, i := range All() {
				res := Check(Cell(r, w, i))
				most = max(most, res.States)
				if res.Broken != "" { got += fmt.Sprintf(" %s%d", i, res.Steps()) }
			}
			fmt.Printf(" | %s:%s (%dk)", w.Name, got, most/1000)
		}
		fmt.Println(time.Since(start))
	}
	_ = strings.Join
}
