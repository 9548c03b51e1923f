// Containerdconfig shows what containerd makes of its configuration, by containerd's own code:
//
//	containerdconfig CONFIG_TOML < hosts
//
// It loads and migrates the file as containerd does at its start, and answers each line of standard input, a JSON string with the host of
// a registry, with a line of JSON: the directory of hosts.toml files of the CRI plugin, and what the transfer service, through which
// containerd pulls from 2.1 on, finds there for this host. An error of the file ends it with exit code 1.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"slices"

	"github.com/containerd/containerd/v2/cmd/containerd/server/config"
	hosts "github.com/containerd/containerd/v2/core/remotes/docker/config"
	_ "github.com/containerd/containerd/v2/plugins/cri/images"
	_ "github.com/containerd/containerd/v2/plugins/cri/runtime"
	"github.com/containerd/containerd/v2/version"
	"github.com/containerd/log"
	"github.com/containerd/plugin"
	"github.com/containerd/plugin/registry"
)

const images = "io.containerd.cri.v1.images"

type answer struct {
	Host       string `json:"host"`
	ConfigPath string `json:"config_path"`
	Found      string `json:"found"`
	Error      string `json:"error,omitempty"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: containerdconfig CONFIG_TOML < hosts")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "containerdconfig:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	_ = log.SetLevel("panic") // What went wrong is in the answer.
	ctx := context.Background()
	directory, err := configPath(ctx, path)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		given := answer{ConfigPath: directory}
		if err := json.Unmarshal(lines.Bytes(), &given.Host); err != nil {
			return err
		}
		// As core/transfer/registry does it with the whole of config_path.
		if given.Found, err = hosts.HostDirFromRoot(directory)(given.Host); err != nil {
			given.Error = err.Error()
		}
		if err := out.Encode(given); err != nil {
			return err
		}
	}
	return lines.Err()
}

// configPath is the CRI plugin's registry.config_path after migration.
func configPath(ctx context.Context, path string) (string, error) {
	registered := registry.Graph(func(*plugin.Registration) bool { return false })
	loaded := &config.Config{Version: version.ConfigVersion}
	plugins := func() iter.Seq[plugin.Registration] { return slices.Values(registered) }
	if err := config.LoadConfigWithPlugins(ctx, path, plugins, loaded); err != nil {
		return "", err
	}
	for _, one := range registered {
		if one.URI() != images {
			continue
		}
		decoded, err := loaded.Decode(ctx, images, one.Config)
		if err != nil {
			return "", err
		}
		text, err := json.Marshal(decoded)
		if err != nil {
			return "", err
		}
		var found struct {
			Registry struct {
				ConfigPath string `json:"configPath"`
			} `json:"registry"`
		}
		if err := json.Unmarshal(text, &found); err != nil {
			return "", err
		}
		return found.Registry.ConfigPath, nil
	}
	return "", fmt.Errorf("no plugin %s", images)
}
