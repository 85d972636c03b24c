package routetest

import (
	"fmt"
	"os"
	"strconv"
)

// RandomSet returns the routes of a random server, the same ones for the same number.
func RandomSet(i int) Set {
	c := Random(uint64(i))
	return Set{Name: fmt.Sprintf("random%d", i), Handlers: []string{"a", "b"}, Routes: c.Routes(4 + i%40)}
}

// Main compares the printed routers of the random sets with ServeMux. It ends the
// program: with the first difference, or after as many requests as its argument says.
func Main(printed ...Constructor) {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	var subjects []*Subject
	for i, p := range printed {
		subjects = append(subjects, NewSubject(RandomSet(i), p))
	}
	c := Random(44)
	for i := range n {
		s := subjects[i%len(subjects)]
		if wrong := s.Check(c.Request(s.Oracle.Patterns())); len(wrong) > 0 {
			fmt.Println(wrong[0])
			os.Exit(1)
		}
	}
	fmt.Println(n, "requests to", len(subjects), "routers")
}
