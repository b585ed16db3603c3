package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// check asks the ext_authz socket as Envoy would, and prints the reason, and what is removed where it passes: `check GET /v1/x [KEYFILE|-] [NAME:VALUE...]`.
func check(ts *testscript.TestScript, _ bool, args []string) {
	client, err := grpc.NewClient("unix:"+ts.MkAbs("ext/authz.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	ts.Check(err)
	defer client.Close()
	headers := &corev3.HeaderMap{}
	add := func(name, value string) {
		headers.Headers = append(headers.Headers, &corev3.HeaderValue{Key: name, RawValue: []byte(value)})
	}
	if len(args) > 2 && args[2] != "-" {
		add("authorization", "Bearer "+strings.TrimSpace(ts.ReadFile(args[2])))
	}
	for _, arg := range args[min(3, len(args)):] {
		name, value, _ := strings.Cut(arg, ":")
		add(name, value)
	}
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	out, err := authv3.NewAuthorizationClient(client).Check(ctx, &authv3.CheckRequest{
		Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{
			Http: &authv3.AttributeContext_HttpRequest{Method: args[0], Path: args[1], HeaderMap: headers},
		}},
	})
	ts.Check(err)
	_, err = fmt.Fprintln(ts.Stdout(), out.GetDynamicMetadata().AsMap()["reason"])
	ts.Check(err)
	for _, name := range out.GetOkResponse().GetHeadersToRemove() {
		_, err = fmt.Fprintln(ts.Stdout(), "removes", name)
		ts.Check(err)
	}
}

// get prints a page of the probes listener, whose address stands in the log of the server: `get /metrics ADDRESS`.
func get(ts *testscript.TestScript, _ bool, args []string) {
	resp, err := http.Get("http://" + args[1] + args[0])
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%d\n%s", resp.StatusCode, body)
	ts.Check(err)
}

// nowhere fails if the key in a file stands in any other file of the folder, such as the database: `nowhere KEYFILE FILE...`.
func nowhere(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.TrimSpace(ts.ReadFile(args[0]))
	for _, pattern := range args[1:] {
		files, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		if len(files) == 0 {
			ts.Fatalf("no file %s", pattern)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			ts.Check(err)
			// Without prefix and last 4, so that no part that may be shown hides one that may not.
			if strings.Contains(string(data), text[8:len(text)-8]) {
				ts.Fatalf("the key's text is in %s", file)
			}
		}
	}
}
