package freeport

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
)

const inChild = "FREEPORT_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(inChild) == "" {
		os.Exit(m.Run())
	}
	for range 3 * block {
		addr, err := find()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(addr)
	}
	runtime.GC() // the ports stay taken
	fmt.Println("done")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test has them all
}

// Processes that live at a time find different addresses.
func TestProcesses(t *testing.T) {
	const processes = 10
	in, hold := pipe(t)
	out, w := pipe(t)
	for range processes {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), inChild+"=true")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = in, w, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = hold.Close()
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	_ = w.Close() // so that the lines end if the processes do
	found := make(map[string]bool)
	for s, done := bufio.NewScanner(out), 0; done < processes && s.Scan(); {
		if s.Text() == "done" {
			done++
			continue
		}
		if found[s.Text()] {
			t.Errorf("%s is found twice", s.Text())
		}
		found[s.Text()] = true
	}
	if want := processes * 3 * block; len(found) != want {
		t.Errorf("%d addresses, not %d", len(found), want)
	}
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}
