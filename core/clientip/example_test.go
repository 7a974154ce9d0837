package clientip_test

import (
	"fmt"
	"net/netip"

	"github.com/qsessions/qsessions/core/clientip"
)

// Requests come through a load balancer in 10.0.0.0/8. With net/http one would write
//
//	r.Addr(req.RemoteAddr, req.Header.Values)
func Example() {
	r, err := clientip.New(clientip.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	if err != nil {
		fmt.Println(err)
		return
	}
	header := map[string][]string{"X-Forwarded-For": {"9.9.9.9, 198.51.100.1, 10.0.0.7"}} // 9.9.9.9 is what the client claims
	values := func(name string) []string { return header[name] }
	fmt.Println(r.Addr("10.0.0.2:34567", values))
	fmt.Println(r.Addr("203.0.113.5:34567", values)) // not through the load balancer
	// Output:
	// 198.51.100.1
	// 203.0.113.5
}
