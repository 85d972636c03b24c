//go:build !unix

package wire

import "syscall"

// rawReads says that sockets can't be read and written but by package net.
const rawReads = false

func readSocket(uintptr, []byte) (int, error)  { return 0, syscall.EINVAL }
func writeSocket(uintptr, []byte) (int, error) { return 0, syscall.EINVAL }

func isSilent(uintptr) bool { return true }
