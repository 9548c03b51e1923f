// Pullsources prints where CRI-O, podman and skopeo would look for images, in order, given a registries.conf:
//
//	pullsources REGISTRIES_CONF [REGISTRIES_CONF_DIR] < references
//
// It answers each line of standard input, a JSON string, with a line of JSON: the reference, the sources (references with the mirror's
// registry and repository) and whether the registry is blocked, or an error. A tag beside a digest is dropped, as CRI-O does.
package main

import (
	"bufio"
	_ "crypto/sha256" // A digest is refused when its algorithm is not linked in.
	_ "crypto/sha512"
	"encoding/json"
	"fmt"
	"os"

	"github.com/containers/image/v5/docker/reference"
	"github.com/containers/image/v5/pkg/sysregistriesv2"
	"github.com/containers/image/v5/types"
)

type answer struct {
	Reference string   `json:"reference"`
	Sources   []string `json:"sources"`
	Blocked   bool     `json:"blocked"`
	Error     string   `json:"error,omitempty"`
}

func main() {
	if len(os.Args) < 2 || len(os.Args) > 3 {
		fmt.Fprintln(os.Stderr, "usage: pullsources REGISTRIES_CONF [REGISTRIES_CONF_DIR] < references")
		os.Exit(2)
	}
	context := &types.SystemContext{SystemRegistriesConfPath: os.Args[1], SystemRegistriesConfDirPath: os.DevNull}
	if len(os.Args) == 3 {
		context.SystemRegistriesConfDirPath = os.Args[2]
	}
	if _, err := sysregistriesv2.GetRegistries(context); err != nil {
		fmt.Fprintln(os.Stderr, "pullsources:", err)
		os.Exit(1)
	}
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		given := answer{Sources: []string{}}
		if err := json.Unmarshal(lines.Bytes(), &given.Reference); err != nil {
			fmt.Fprintln(os.Stderr, "pullsources:", err)
			os.Exit(1)
		}
		if err := given.find(context); err != nil {
			given.Error = err.Error()
		}
		if err := out.Encode(given); err != nil {
			fmt.Fprintln(os.Stderr, "pullsources:", err)
			os.Exit(1)
		}
	}
}

func (a *answer) find(context *types.SystemContext) error {
	named, err := reference.ParseNormalizedNamed(a.Reference)
	if err != nil {
		return err
	}
	if digested, ok := named.(reference.Digested); ok {
		if named, err = reference.WithDigest(reference.TrimNamed(named), digested.Digest()); err != nil {
			return err
		}
	}
	named = reference.TagNameOnly(named)
	registry, err := sysregistriesv2.FindRegistry(context, named.Name())
	if err != nil {
		return err
	}
	if registry == nil {
		a.Sources = append(a.Sources, named.String())
		return nil
	}
	a.Blocked = registry.Blocked
	sources, err := registry.PullSourcesFromReference(named)
	if err != nil {
		return err
	}
	for _, source := range sources {
		a.Sources = append(a.Sources, source.Reference.String())
	}
	return nil
}
