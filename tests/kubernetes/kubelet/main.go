// A kubelet's server as far as forwarding ports goes, by the kubelet's own code. There are no
// containers behind it: whatever port of whatever pod is asked for, it connects to one address.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubelet/pkg/cri/streaming/portforward"
)

// address takes the place of every port of every pod.
type address string

func (a address) PortForward(_ context.Context, _ string, _ types.UID, _ int32, stream io.ReadWriteCloser) error {
	connection, err := net.Dial("tcp", string(a))
	if err != nil {
		return err
	}
	defer connection.Close()
	go func() {
		_, _ = io.Copy(connection, stream)
	}()
	_, err = io.Copy(stream, connection)
	return err
}

// Serves on a free port of 127.0.0.1, which it prints, and ends with its stdin.
func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: kubelet HOST:PORT")
	}
	certificate, err := selfSigned()
	if err != nil {
		log.Fatal(err)
	}
	// The API server upgrades connections to SPDY, which HTTP/2 has no way to.
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	http.HandleFunc("/portForward/{namespace}/{pod}", func(w http.ResponseWriter, r *http.Request) {
		options, err := portforward.NewV4Options(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		name := strings.Join([]string{r.PathValue("namespace"), r.PathValue("pod")}, "/")
		portforward.ServePortForward(w, r, address(os.Args[1]), name, "", options,
			time.Minute, time.Minute, portforward.SupportedProtocols)
	})
	log.Fatal(http.Serve(listener, nil))
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
