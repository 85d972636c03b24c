package soaprest_test

import (
	"fmt"
	"io"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/soaprest"
	"github.com/aileron-gateway/aileronc/runtime/soaprest/xmljson"
)

func ExampleNew() {
	service := gateway.HandlerFunc(func(x *gateway.Exchange) error {
		question, _ := io.ReadAll(x.Request.Body)
		fmt.Print(string(question))
		x.Response.Status = 200
		x.Response.Header.Set("Content-Type", "application/json")
		x.Response.Bytes = []byte(`{"Temperature": {"@unit": "C", "$": 21.50}}`)
		return nil
	})
	soap := soaprest.New(soaprest.Options{Rules: xmljson.Rules{PreferShort: true}})(service)

	var x gateway.Exchange
	x.Request.Header.Set("Content-Type", "text/xml")
	x.Request.Header.Set("SOAPAction", "urn:weather")
	x.Request.Body = io.NopCloser(strings.NewReader(`<Place><City>Oslo</City></Place>`))
	x.Request.ContentLength = -1
	_ = soap.Serve(&x)
	fmt.Println(string(x.Response.Bytes))
	// Output:
	// {"Place":{"City":"Oslo"}}
	// <?xml version="1.0" encoding="UTF-8"?>
	// <Temperature unit="C">21.50</Temperature>
}
