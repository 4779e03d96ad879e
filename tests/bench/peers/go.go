// The echo and the TCP proxy of Go: go.exe echo|proxy PORT [TARGET_PORT]
package main

import (
	"io"
	"log"
	"net"
	"os"
)

// pump moves everything, and then the end.
func pump(to, from *net.TCPConn) error {
	_, err := io.Copy(to, from)
	if err == nil {
		err = to.CloseWrite()
	}
	return err
}

func echo(client *net.TCPConn) {
	defer client.Close()
	pump(client, client)
}

// A direction that fails closes both connections, so that the other one ends as well.
func proxy(client *net.TCPConn, target *net.TCPAddr) {
	defer client.Close()
	server, err := net.DialTCP("tcp", nil, target)
	if err != nil {
		return
	}
	defer server.Close()
	ended := make(chan error, 2)
	go func() { ended <- pump(server, client) }()
	go func() { ended <- pump(client, server) }()
	if <-ended == nil {
		<-ended
	}
}

func resolve(port string) *net.TCPAddr {
	address, err := net.ResolveTCPAddr("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	return address
}

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: go.exe echo|proxy PORT [TARGET_PORT]")
	}
	serve := echo
	if os.Args[1] == "proxy" {
		target := resolve(os.Args[3])
		serve = func(client *net.TCPConn) { proxy(client, target) }
	}
	listener, err := net.ListenTCP("tcp", resolve(os.Args[2]))
	if err != nil {
		log.Fatal(err)
	}
	for {
		client, err := listener.AcceptTCP()
		if err != nil {
			log.Fatal(err)
		}
		go serve(client)
	}
}
