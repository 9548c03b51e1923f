// promqlparse reads PromQL expressions, one JSON string a line, and prints `ok`, or why it is none, for each.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var expression string
		if err := json.Unmarshal(lines.Bytes(), &expression); err != nil {
			fmt.Println(err)
			continue
		}
		if _, err := parser.ParseExpr(expression); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("ok")
	}
}
