package envoy

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// rawReply is what a client that speaks bytes makes of an answer. Status 0: the
// connection or the stream was ended without one.
type rawReply struct {
	status    int
	requestID string
}

// dial opens a connection that gives up in time.
func (p *proxy) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// http1 sends a request byte for byte: no client library tidies the target up.
func (p *proxy) http1(t *testing.T, method, target string, header ...string) rawReply {
	t.Helper()
	conn := p.dial(t)
	var request bytes.Buffer
	fmt.Fprintf(&request, "%s %s HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n", method, target)
	for i := 0; i < len(header); i += 2 {
		fmt.Fprintf(&request, "%s: %s\r\n", header[i], header[i+1])
	}
	request.WriteString("\r\n")
	if _, err := conn.Write(request.Bytes()); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return rawReply{}
	}
	defer answer.Body.Close()
	return rawReply{answer.StatusCode, answer.Header.Get("X-Request-Id")}
}

// http2 sends the same in HTTP/2 frames. Header names must be in lower case.
func (p *proxy) http2(t *testing.T, method, target string, header ...string) rawReply {
	t.Helper()
	conn := p.dial(t)
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	block := encodeHeaders(append([]string{":method", method, ":scheme", "http", ":authority", "api.example", ":path", target}, header...))
	err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndStream: true, EndHeaders: true})
	if err != nil {
		t.Fatal(err)
	}
	return readAnswer(framer)
}

func encodeHeaders(fields []string) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		_ = encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}) // a buffer takes everything
	}
	return block.Bytes()
}

// readAnswer reads until the headers of the answer, or the end of stream or connection.
func readAnswer(framer *http2.Framer) (answer rawReply) {
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return rawReply{}
		}
		switch f := frame.(type) {
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return rawReply{}
		case *http2.MetaHeadersFrame:
			for _, field := range f.Fields {
				switch field.Name {
				case ":status":
					fmt.Sscan(field.Value, &answer.status)
				case "x-request-id":
					answer.requestID = field.Value
				}
			}
			return answer
		}
	}
}
