// Kubeletcredentials shows for which images the kubelet gets credentials, by the kubelet's own code:
//
//	kubeletcredentials CREDENTIAL_PROVIDER_CONFIG BIN_DIR < images
//
// It reads and validates the configuration as the kubelet does at its start, and answers each line of standard input, a JSON
// string, with a line of JSON: the image, its repository and the user names that the plugins in BIN_DIR gave for it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/kubernetes/pkg/credentialprovider/plugin"
	"k8s.io/kubernetes/pkg/util/parsers"
)

type answer struct {
	Reference  string   `json:"reference"`
	Repository string   `json:"repository"`
	Users      []string `json:"users"`
	Error      string   `json:"error,omitempty"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: kubeletcredentials CREDENTIAL_PROVIDER_CONFIG BIN_DIR < images")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "kubeletcredentials:", err)
		os.Exit(1)
	}
}

func run(config, binaries string) error {
	// Without functions for service account tokens: no provider here asks for one.
	if err := plugin.RegisterCredentialProviderPlugins(config, binaries, nil, nil); err != nil {
		return err
	}
	keyring := plugin.NewExternalCredentialProviderDockerKeyring("default", "pod", "uid", "default")
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		given := answer{Users: []string{}}
		if err := json.Unmarshal(lines.Bytes(), &given.Reference); err != nil {
			return err
		}
		repository, _, _, err := parsers.ParseImageName(given.Reference)
		if err != nil {
			given.Error = err.Error()
		} else {
			given.Repository = repository
			credentials, _ := keyring.Lookup(repository)
			for _, one := range credentials {
				given.Users = append(given.Users, one.Username)
			}
		}
		if err := out.Encode(given); err != nil {
			return err
		}
	}
	return lines.Err()
}
