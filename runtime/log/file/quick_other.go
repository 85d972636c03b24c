//go:build !linux

package file

import (
	"io/fs"
	"os"
)

func isLocal(*os.File, fs.FileInfo) bool { return false }

func rawWrite(file *os.File, p []byte) (int, error) { return file.Write(p) }
