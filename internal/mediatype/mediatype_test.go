package mediatype

import (
	"net/http"
	"strings"
	"testing"
)

// DetectContentType of net/http is the oracle.
func TestSniffAsNetHTTP(t *testing.T) {
	heads := []string{
		"", "words", " \n\t<!DOCTYPE html>", "<!doctype HTML >", "<html>", "<HTML lang=de>", "<htmlx>", "<html", "<p>", "<pre>", "<!--", "<!-- x", "<!--x", "<a href>", "<b>", "<body>",
		"<script src>", "<?xml version", "  <?xml", "<svg>", "%PDF-1.7", "%!PS-Adobe-3.0", "\xfe\xff\x00a", "\xff\xfea\x00", "\xef\xbb\xbftext",
		"\x00\x00\x01\x00", "\x00\x00\x02\x00", "BM", "GIF87a", "GIF89a", "GIF88a", "RIFF1234WEBPVP8", "RIFF1234WAVE", "RIFF1234AVI ", "RIFF????????",
		"\x89PNG\r\n\x1a\n", "\x89PNG", "\xff\xd8\xff\xe0", "FORM1234AIFF", "ID3\x03", "OggS\x00", "MThd\x00\x00\x00\x06", "\x1aE\xdf\xa3",
		"\x00\x01\x00\x00", "OTTO", "ttcf", "wOFF", "wOF2", "\x1f\x8b\x08", "PK\x03\x04", "Rar!\x1a\x07\x00", "Rar!\x1a\x07\x01\x00", "\x00asm",
		"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "\x00\x00\x00\x18ftypisom\x00\x00\x00\x00mp42isom", "\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomavc1", "\x00\x00\x00\x10ftypxxxxmp41", "\x00\x00\x00\x17ftypmp42",
		"a\x00b", "a\x0bb", "a\x1bb", "\x7f", "\xc3\xa4", "\xe4", "\x00",
	}
	for _, head := range heads {
		if got, want := Sniff([]byte(head)), http.DetectContentType([]byte(head)); got != want {
			t.Errorf("%q: got %s, want %s", head, got, want)
		}
	}
}

func FuzzSniff(f *testing.F) {
	for _, s := range signatures {
		f.Add([]byte(s.bytes))
	}
	for _, tag := range htmlTags {
		f.Add([]byte(" " + tag + ">"))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		head = head[:min(len(head), 512)]
		got, want := Sniff(head), http.DetectContentType(head)
		// Old formats that nobody serves are left out.
		if got != want && !strings.HasPrefix(want, "audio/") && want != "application/vnd.ms-fontobject" {
			t.Errorf("%q: got %s, want %s", head, got, want)
		}
	})
}

func TestByExtension(t *testing.T) {
	for extension, want := range map[string]string{
		".html": "text/html; charset=utf-8", ".HTML": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".json": "application/json",
		".svg": "image/svg+xml", ".woff2": "font/woff2", ".xml": "text/xml; charset=utf-8", ".css": "text/css; charset=utf-8", ".Txt": "text/plain; charset=utf-8",
		".": "", "": "", "html": "", ".no-such-type": "",
	} {
		if got := ByExtension(extension); got != want {
			t.Errorf("%s: got %q, want %q", extension, got, want)
		}
	}
}
