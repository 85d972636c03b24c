package envexpr

// Check compiles the regular expressions in t that aren't themselves computed, and
// returns the first error, a [*SyntaxError] without an offset.
func (t Template) Check(compile Compiler) (err error) {
	t.walk(func(e *expr) bool {
		if e.op >= opCutPrefix && e.word.IsConst() && err == nil {
			if _, failed := compile(e.word.Text(), e.op == opCutSuffix); failed != nil {
				err = &SyntaxError{Expr: e.word.Text(), Reason: failed.Error()}
			}
		}
		return true
	})
	return err
}
