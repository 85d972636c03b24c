package wire

import (
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// smallHead is what load generators send, browserHead what a browser does.
const (
	smallHead   = "GET /api/users/42 HTTP/1.1\r\nHost: gateway.example:8080\r\nUser-Agent: wrk/4.2\r\nAccept: */*\r\n\r\n"
	browserHead = "GET /shop/items?category=books&sort=price&page=3 HTTP/1.1\r\n" +
		"Host: www.example.com\r\n" +
		"Connection: keep-alive\r\n" +
		"sec-ch-ua: \"Chromium\";v=\"128\", \"Not;A=Brand\";v=\"24\"\r\n" +
		"sec-ch-ua-mobile: ?0\r\n" +
		"Upgrade-Insecure-Requests: 1\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n" +
		"Sec-Fetch-Mode: navigate\r\n" +
		"Referer: https://www.example.com/shop\r\n" +
		"Accept-Encoding: gzip, deflate, br\r\n" +
		"Accept-Language: en-GB,en;q=0.9\r\n" +
		"Cookie: session=8f14e45fceea167a5a36dedd4bea2543\r\n\r\n"
	responseHead = "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 05 Jul 2025 10:00:00 GMT\r\nContent-Type: application/json\r\n" +
		"Content-Length: 1024\r\nConnection: keep-alive\r\nETag: \"686-400\"\r\n\r\n"
)

func BenchmarkRequestHead(b *testing.B) {
	for _, bm := range []struct{ name, head string }{{"small", smallHead}, {"browser", browserHead}} {
		b.Run(bm.name, func(b *testing.B) {
			var q gateway.Request
			b.ReportAllocs()
			b.SetBytes(int64(len(bm.head)))
			for b.Loop() {
				if _, fault := parseRequest(bm.head, &q, nil); fault != nil {
					b.Fatal(fault)
				}
			}
		})
	}
}

func BenchmarkResponseHead(b *testing.B) {
	var p gateway.Response
	b.ReportAllocs()
	b.SetBytes(int64(len(responseHead)))
	for b.Loop() {
		if _, fault := parseResponse(responseHead, "GET", &p, nil); fault != nil {
			b.Fatal(fault)
		}
	}
}

func BenchmarkHeadEnd(b *testing.B) {
	head := []byte(browserHead)
	for b.Loop() {
		if headEnd(head, 0) != len(head) {
			b.Fatal("wrong end")
		}
	}
}

func BenchmarkChunks(b *testing.B) {
	var src []byte
	for range 16 {
		src = appendChunkSize(src, 1024)
		src = append(append(src, make([]byte, 1024)...), "\r\n"...)
	}
	src = append(src, "0\r\n\r\n"...)
	var d chunkDecoder
	b.ReportAllocs()
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		d.reset()
		for rest, done := src, false; !done; {
			_, n, end, fault := d.decode(rest)
			if fault != nil {
				b.Fatal(fault)
			}
			rest, done = rest[n:], end
		}
	}
}

// proxiedHeader is what a small request has when it's sent on.
var proxiedHeader = gateway.Header{
	{Name: "User-Agent", Value: "wrk/4.2"}, {Name: "Accept", Value: "*/*"},
	{Name: "X-Forwarded-For", Value: "127.0.0.1"}, {Name: "X-Forwarded-Port", Value: "40000"},
	{Name: "X-Forwarded-Host", Value: "gateway.example:8080"}, {Name: "X-Forwarded-Proto", Value: "http"},
}

func BenchmarkAppendRequestHead(b *testing.B) {
	c := call{up: &upstream{field: "10.0.0.1:8080"}, leg: &gateway.Exchange{}}
	q := &c.leg.Request
	q.Method, q.Path, q.RawPath, q.Header = "GET", "/api/users/42", "/api/users/42", proxiedHeader
	var buf outBuffer
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.appendHead(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendResponseHead(b *testing.B) {
	e := &exchange{c: &conn{server: &Server{}}}
	if _, fault := parseResponse(responseHead, "GET", &e.Response, nil); fault != nil {
		b.Fatal(fault)
	}
	var buf outBuffer
	b.ReportAllocs()
	for b.Loop() {
		e.appendHead(buf[:0], 1024, false)
	}
}
