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
			fmt.Println(err)
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
	found := make(map[string]int)
	lines := make(chan string)
	for range processes {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), inChild+"=true")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = in.Close()
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
		go func() {
			for s := bufio.NewScanner(out); s.Scan() && s.Text() != "done"; {
				lines <- s.Text()
			}
			lines <- "done"
		}()
	}
	for done := 0; done < processes; {
		if addr := <-lines; addr == "done" {
			done++
		} else if found[addr]++; found[addr] > 1 {
			t.Errorf("%s is found twice", addr)
		}
	}
	if want := processes * 3 * block; len(found) != want {
		t.Errorf("%d addresses, not %d", len(found), want)
	}
}
