// Hostresolve shows what containerd asks, and whom, given a directory of hosts.toml files:
//
//	hostresolve CERTS_D < references
//
// It answers each line of standard input, a JSON string, with a line of JSON: the reference as the CRI plugin reads it, the hosts in the
// order in which they are tried, and the requests that resolving it and fetching its manifest made, with their status.
// Requests follow HTTPS_PROXY and SSL_CERT_FILE, so that tests can answer for any registry. With -hosts none is made.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/containerd/v2/core/remotes/docker/config"
	"github.com/containerd/log"
	"github.com/distribution/reference"
)

type host struct {
	Scheme       string   `json:"scheme"`
	Host         string   `json:"host"`
	Path         string   `json:"path"`
	Capabilities []string `json:"capabilities"`
}

type request struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	Status int    `json:"status"`
}

type answer struct {
	Reference string    `json:"reference"`
	Name      string    `json:"name"`
	Hosts     []host    `json:"hosts"`
	Requests  []request `json:"requests"`
	Error     string    `json:"error,omitempty"`
}

// recorder notes every request that passes; a status of 0 means that there was no response.
type recorder struct {
	next http.RoundTripper
	into *answer
}

func (r recorder) RoundTrip(sent *http.Request) (*http.Response, error) {
	response, err := r.next.RoundTrip(sent)
	note := request{Method: sent.Method, URL: sent.URL.String()}
	if err == nil {
		note.Status = response.StatusCode
	}
	r.into.Requests = append(r.into.Requests, note)
	return response, err
}

func main() {
	hostsOnly := flag.Bool("hosts", false, "make no requests")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: hostresolve [-hosts] CERTS_D < references")
		os.Exit(2)
	}
	_ = log.SetLevel("panic") // What went wrong is in the answer.
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		given := answer{Hosts: []host{}, Requests: []request{}}
		if err := json.Unmarshal(lines.Bytes(), &given.Reference); err != nil {
			fmt.Fprintln(os.Stderr, "hostresolve:", err)
			os.Exit(1)
		}
		if err := given.resolve(context.Background(), flag.Arg(0), *hostsOnly); err != nil {
			given.Error = err.Error()
		}
		if err := out.Encode(given); err != nil {
			fmt.Fprintln(os.Stderr, "hostresolve:", err)
			os.Exit(1)
		}
	}
}

func (a *answer) resolve(ctx context.Context, root string, hostsOnly bool) error {
	// As in containerd's CRI plugin: a missing tag becomes latest, a tag beside a digest is dropped.
	named, err := reference.ParseDockerRef(a.Reference)
	if err != nil {
		return err
	}
	a.Name = named.String()
	hosts := config.ConfigureHosts(ctx, config.HostOptions{
		HostDir: config.HostDirFromRoot(root),
		UpdateClient: func(client *http.Client) error {
			if _, recorded := client.Transport.(recorder); !recorded {
				client.Transport = recorder{next: client.Transport, into: a}
			}
			return nil
		},
	})
	found, err := hosts(reference.Domain(named))
	if err != nil {
		return err
	}
	for _, one := range found {
		a.Hosts = append(a.Hosts, host{one.Scheme, one.Host, one.Path, capabilities(one.Capabilities)})
	}
	if hostsOnly {
		return nil
	}
	resolver := docker.NewResolver(docker.ResolverOptions{Hosts: hosts})
	name, descriptor, err := resolver.Resolve(ctx, a.Name)
	if err != nil {
		return err
	}
	fetcher, err := resolver.Fetcher(ctx, name)
	if err != nil {
		return err
	}
	manifest, err := fetcher.Fetch(ctx, descriptor)
	if err != nil {
		return err
	}
	// Opened only when it is read.
	_, err = io.Copy(io.Discard, manifest)
	return errors.Join(err, manifest.Close())
}

func capabilities(of docker.HostCapabilities) []string {
	names := []string{}
	for _, one := range []struct {
		flag docker.HostCapabilities
		name string
	}{
		{docker.HostCapabilityPull, "pull"},
		{docker.HostCapabilityResolve, "resolve"},
		{docker.HostCapabilityPush, "push"},
		{docker.HostCapabilityReferrers, "referrers"},
	} {
		if of.Has(one.flag) {
			names = append(names, one.name)
		}
	}
	return names
}
